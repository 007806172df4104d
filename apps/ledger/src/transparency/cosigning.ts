import type { WitnessConfig } from '@bailiwick/platform/witness-config';
import { LIMITS } from '@bailiwick/core/limits';
import { cosignatureTime, parseWitnessKey } from '@bailiwick/transparency-log/cosignature';
import { openNote, signatureLine, type Verifier } from '@bailiwick/transparency-log/note';
import { fromDecimal } from '@bailiwick/transparency-log/text';
import { continuing } from './consistency';
import type { CheckpointRow } from './heads';
import type { LedgerStore } from '../read-models/store';

export interface CosigningOptions {
  readonly log: string;
  readonly witness: WitnessConfig['witnesses'][number];
  readonly store: Pick<LedgerStore, 'nodes' | 'heads'>;
  readonly warn: (message: string, cause?: unknown) => void;
}

/**
 * Sends the newest head of one log to one witness, and keeps what it says. A loop of its own: nothing else waits for
 * it, and a witness that is slow, gone or wrong delays nobody.
 */
export class Cosigning {
  private readonly key: Verifier;
  private readonly stopped = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  /** the size of the newest head that it has cosigned, as far as we know */
  private held: number | undefined;
  private failures = 0;

  /** @throws Error for what is no key of a witness */
  constructor(private readonly options: CosigningOptions) {
    const key = parseWitnessKey(options.witness.vkey);
    if (!key.ok) throw new Error(`witnesses.json: ${key.error}`);
    this.key = key.value;
  }

  start(): void {
    this.next(0);
  }

  async stop(): Promise<void> {
    this.stopped.abort();
    clearTimeout(this.timer);
    await this.running;
  }

  private next(ms: number): void {
    if (this.stopped.signal.aborted) return;
    this.timer = setTimeout(() => {
      this.running = this.once().then(
        () => {
          this.failures = 0;
          this.next(this.options.witness.everySeconds * 1_000);
        },
        (error: unknown) => this.failed(error),
      );
    }, ms);
  }

  private failed(error: unknown): void {
    if (this.stopped.signal.aborted) return;
    const { log, witness } = this.options;
    this.failures += 1;
    // a witness that is away for a day is not told of every minute
    if ((this.failures & (this.failures - 1)) === 0)
      this.options.warn(`${this.key.name} has not cosigned ${log} (${witness.url}, try ${this.failures})`, error);
    this.next(Math.min(witness.everySeconds * 1_000 * 2 ** Math.min(this.failures, 10), LIMITS.witnessBackoffMs));
  }

  /** Has the newest head cosigned, if it is not yet. */
  async once(): Promise<void> {
    const { log, store } = this.options;
    const head = await store.heads.newest(log);
    this.held ??= await store.heads.cosignedTo(log, this.key.name);
    if (!head || head.size <= this.held) return;
    if (await this.send(head, this.held)) return;
    // it holds another tree than we thought: it says which
    if (this.held > head.size)
      throw new Error(`it has seen ${this.held} events of ${log}, and there are ${head.size}: the log was rolled back`);
    if (!(await this.send(head, this.held))) throw new Error('it holds another size each time it is asked');
  }

  /** False where it holds another size than we thought, which is kept. */
  private async send(head: CheckpointRow, old: number): Promise<boolean> {
    const { log, store, witness } = this.options;
    const response = await fetch(`${witness.url.replace(/\/$/, '')}/add-checkpoint`, {
      method: 'POST',
      headers: { 'content-type': 'text/plain; charset=utf-8' },
      body: await continuing(store, log, old, head),
      redirect: 'error',
      signal: AbortSignal.any([this.stopped.signal, AbortSignal.timeout(LIMITS.witnessMs)]),
    });
    const text = await bounded(response);
    if (response.status === 409) {
      const size = fromDecimal(text.replace(/\n$/, ''));
      if (size === undefined || Number(size) === old) throw new Error(`it answered 409 ${text.slice(0, 200)}`);
      this.held = Number(size);
      return false;
    }
    if (response.status !== 200) throw new Error(`it answered ${response.status} ${text.slice(0, 200)}`);
    // What if the process dies right here? It has cosigned, and we have not kept it: it is asked again, and says the
    // same of the same tree.
    await store.heads.cosign(log, head.size, this.key.name, this.lineIn(head.note, text));
    this.held = head.size;
    return true;
  }

  /** Its own signature among what it answered, verified. */
  private lineIn(note: string, text: string): string {
    const lines = text.split('\n').filter((line) => line.startsWith(`\u2014 ${this.key.name} `));
    const opened = openNote(note + lines.map((line) => `${line}\n`).join(''), [this.key]);
    if (!opened.ok) throw new Error(`what it answered is no cosignature of its key: ${opened.error}`);
    const own = opened.value.signatures.find(
      ({ name, keyId }) => name === this.key.name && keyId.equals(this.key.keyId),
    );
    const seconds = own && cosignatureTime(own.signature);
    if (!own || seconds === undefined || Number(seconds) * 1_000 > Date.now() + LIMITS.witnessClockMs)
      throw new Error('its cosignature is of a time to come');
    return signatureLine(own);
  }
}

async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > LIMITS.witnessAnswerBytes) throw new Error('it answered more than any witness would');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
