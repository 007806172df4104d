import { UpstreamGone } from './connection';

/** An event of an event stream; one without data states where the stream is. */
export interface StreamEvent {
  readonly data: string;
  /** where the stream can be taken up again */
  readonly id: string | undefined;
  /** how long to wait before that, in ms */
  readonly retry: number | undefined;
}

const ID_CHARS = 1_000;

/** Reads each event of an event stream (Server-Sent Events). @throws UpstreamGone if one is too large */
export async function* eventsOf(body: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<StreamEvent> {
  const decoder = new TextDecoder();
  let text = '';
  let fields = new Fields();
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > most) throw new UpstreamGone('the upstream sent a message that is too large');
    text += decoder.decode(chunk, { stream: true });
    const lines = text.split(/\r\n|\n|\r(?!$)/);
    text = lines.pop() ?? '';
    for (const line of lines) {
      if (line !== '') fields.add(line);
      else {
        if (!fields.isEmpty) yield fields.event();
        fields = new Fields();
        bytes = text.length;
      }
    }
  }
}

class Fields {
  private readonly data: string[] = [];
  private id: string | undefined;
  private retry: number | undefined;

  get isEmpty(): boolean {
    return this.data.length === 0 && this.id === undefined && this.retry === undefined;
  }

  add(line: string): void {
    const [, name, value = ''] = /^([^:]*):? ?(.*)$/s.exec(line) ?? [];
    if (name === 'data') this.data.push(value);
    else if (name === 'id' && /^[\x20-\x7e]+$/.test(value) && value.length <= ID_CHARS) this.id = value;
    else if (name === 'retry' && /^\d{1,9}$/.test(value)) this.retry = Number(value);
  }

  event(): StreamEvent {
    return { data: this.data.join('\n'), id: this.id, retry: this.retry };
  }
}
