import type { Answer, CommandReply } from '@bailiwick/contracts/command';

/**
 * The reply to one message of commands: each answer goes when it is ready. Those that become ready in one turn of the
 * loop go together, so that commands that are written by one commit cost one message. As soon as every command that
 * needs no preparation is written, something is sent, if need be a part without answers: the sender then knows that its
 * message holds up no other.
 */
export class Reply {
  /** resolves to its last message */
  readonly rest: Promise<CommandReply>;
  private readonly answers: (Answer | undefined)[];
  private ready: number[] = [];
  private left: number;
  private unwritten: number;
  private hasSent = false;
  private isDue = false;
  private end: (reply: CommandReply) => void = () => undefined;

  /** @param prompt how many of the commands are decided without any preparation */
  constructor(
    count: number,
    prompt: number,
    private readonly part: (reply: CommandReply) => void,
  ) {
    this.answers = new Array<Answer | undefined>(count).fill(undefined);
    this.left = count;
    this.unwritten = prompt;
    this.rest = new Promise((resolve) => (this.end = resolve));
    if (prompt === 0) this.soon();
  }

  take(i: number, answer: Answer): void {
    this.answers[i] = answer;
    this.ready.push(i);
    this.left -= 1;
    if (this.left === 0) this.end(this.hasSent ? this.those() : { answers: this.answers as Answer[] });
    else this.soon();
  }

  /** One of those that need no preparation is written. */
  landed(): void {
    this.unwritten -= 1;
    if (this.unwritten === 0 && !this.hasSent) this.soon();
  }

  private soon(): void {
    if (this.isDue) return;
    this.isDue = true;
    setImmediate(() => {
      this.isDue = false;
      if (this.left === 0 || (this.hasSent && this.ready.length === 0)) return;
      this.hasSent = true;
      this.part(this.those());
    });
  }

  private those(): CommandReply {
    const of = this.ready.splice(0);
    return { answers: of.map((i) => this.answers[i] as Answer), of };
  }
}
