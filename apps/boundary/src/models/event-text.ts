/** Splits a stream of server-sent events into events, each with its text as it came. */
export class EventText {
  private rest = '';
  private readonly decoder = new TextDecoder();

  /** @param most characters of one event */
  constructor(private readonly most: number) {}

  /** Takes bytes, and returns the events that are complete. @throws Error if one is too long */
  take(bytes: Buffer): string[] {
    this.rest += this.decoder.decode(bytes, { stream: true });
    const events: string[] = [];
    for (let end = END.exec(this.rest); end; end = END.exec(this.rest)) {
      const length = end.index + end[0].length;
      events.push(this.rest.slice(0, length));
      this.rest = this.rest.slice(length);
    }
    if (this.rest.length > this.most) throw new Error('an event of the answer is too long');
    return events;
  }

  /** Returns what is left at the end. */
  end(): string {
    return this.rest + this.decoder.decode();
  }
}

const END = /\r\n\r\n|\n\n|\r\r/;

/** The value of the data of an event; undefined if it is no JSON. */
export function dataOf(event: string): unknown {
  const data = event
    .split(/\r\n|\n|\r/)
    .filter((line) => line.startsWith('data:'))
    .map((line) => line.slice(5).trimStart())
    .join('\n');
  try {
    return JSON.parse(data) as unknown;
  } catch {
    return undefined;
  }
}
