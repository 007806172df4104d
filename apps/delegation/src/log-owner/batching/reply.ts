import type { Answer, CommandReply } from '@bailiwick/contracts/commands/command';

/**
 * The reply to one message of commands. Each response is sent when it is ready; the responses that become ready in one
 * turn of the event loop share a message, so commands of one commit cost one message. As soon as all commands that need
 * no preparation are committed, the reply sends a part, if necessary without responses: the sender then knows that its
 * message no longer blocks others.
 */
export class Reply {
  /** resolves to the last message */
  readonly rest: Promise<CommandReply>;
  private readonly answers: (Answer | undefined)[];
  private ready: number[] = [];
  private left: number;
  private uncommitted: number;
  private hasSent = false;
  private isDue = false;
  private end: (reply: CommandReply) => void = () => undefined;

  /** @param prompt number of commands that are decided without preparation */
  constructor(
    count: number,
    prompt: number,
    private readonly part: (reply: CommandReply) => void,
  ) {
    this.answers = new Array<Answer | undefined>(count).fill(undefined);
    this.left = count;
    this.uncommitted = prompt;
    this.rest = new Promise((resolve) => (this.end = resolve));
    if (prompt === 0) this.soon();
  }

  take(i: number, answer: Answer): void {
    this.answers[i] = answer;
    this.ready.push(i);
    this.left -= 1;
    if (this.left === 0) this.end(this.hasSent ? this.takeReady() : { answers: this.answers as Answer[] });
    else this.soon();
  }

  /** Records the commit of one command that needs no preparation. */
  committed(): void {
    this.uncommitted -= 1;
    if (this.uncommitted === 0 && !this.hasSent) this.soon();
  }

  private soon(): void {
    if (this.isDue) return;
    this.isDue = true;
    setImmediate(() => {
      this.isDue = false;
      if (this.left === 0 || (this.hasSent && this.ready.length === 0)) return;
      this.hasSent = true;
      this.part(this.takeReady());
    });
  }

  private takeReady(): CommandReply {
    const of = this.ready.splice(0);
    return { answers: of.map((i) => this.answers[i] as Answer), of };
  }
}
