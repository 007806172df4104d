import { systemClock } from '@bailiwick/core/clock';
import type { WitnessConfig } from '@bailiwick/platform/keys/witness-config';
import { LIMITS } from '@bailiwick/core/limits';
import { cosignatureTime, parseWitnessKey } from '@bailiwick/transparency-log/cosignature';
import { openNote, signatureLine, type Verifier } from '@bailiwick/transparency-log/note';
import { fromDecimal } from '@bailiwick/transparency-log/text';
import { continuing } from './consistency';
import type { SignedHead } from './heads.repository';
import type { LedgerStore } from '../read-models/store';

export interface CosigningOptions {
  readonly log: string;
  readonly witness: WitnessConfig['witnesses'][number];
  readonly store: Pick<LedgerStore, 'nodes' | 'heads'>;
  readonly warn: (message: string, cause?: unknown) => void;
}

/**
 * Sends the newest head of one log to one witness, and stores its cosignature. It runs in a separate loop, so that a slow,
 * unavailable or faulty witness delays nothing else.
 */
export class Cosigning {
  private readonly key: Verifier;
  private readonly stopped = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> = Promise.resolve();
  /** the size of the newest head that the witness has cosigned, as far as we know */
  private held: number | undefined;
  private failures = 0;

  /** @throws Error if the key of the witness is invalid */
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
    // warn ever more rarely about a witness that stays unavailable
    if ((this.failures & (this.failures - 1)) === 0)
      this.options.warn(`${this.key.name} has not cosigned ${log} (${witness.url}, try ${this.failures})`, error);
    this.next(Math.min(witness.everySeconds * 1_000 * 2 ** Math.min(this.failures, 10), LIMITS.witnessBackoffMs));
  }

  /** Requests a cosignature of the newest head, unless the witness has cosigned it. */
  async once(): Promise<void> {
    const { log, store } = this.options;
    const head = await store.heads.newest(log);
    this.held ??= await store.heads.cosignedTo(log, this.key.name);
    if (!head || head.size <= this.held) return;
    if (await this.send(head, this.held)) return;
    // the witness has cosigned another size than we assumed, and returned that size
    if (this.held > head.size)
      throw new Error(
        `the witness has cosigned ${this.held} events of ${log}, which has only ${head.size}: the log was rolled back`,
      );
    if (!(await this.send(head, this.held))) throw new Error('the witness returns a different size for each request');
  }

  /** @returns false if the witness has cosigned another size than `old`; stores that size */
  private async send(head: SignedHead, old: number): Promise<boolean> {
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
      if (size === undefined || Number(size) === old)
        throw new Error(`the witness responded 409 ${text.slice(0, 200)}`);
      this.held = Number(size);
      return false;
    }
    if (response.status !== 200) throw new Error(`the witness responded ${response.status} ${text.slice(0, 200)}`);
    // If the process dies here, the witness has cosigned and we have not stored it: the next request returns a
    // cosignature of the same tree.
    await store.heads.cosign(log, head.size, this.key.name, this.lineIn(head.note, text));
    this.held = head.size;
    return true;
  }

  /** Returns the verified cosignature of the witness from its response. */
  private lineIn(note: string, text: string): string {
    const lines = text.split('\n').filter((line) => line.startsWith(`\u2014 ${this.key.name} `));
    const opened = openNote(note + lines.map((line) => `${line}\n`).join(''), [this.key]);
    if (!opened.ok) throw new Error(`the response has no cosignature of its key: ${opened.error}`);
    const own = opened.value.signatures.find(
      ({ name, keyId }) => name === this.key.name && keyId.equals(this.key.keyId),
    );
    const seconds = own && cosignatureTime(own.signature);
    if (!own || seconds === undefined || Number(seconds) * 1_000 > systemClock.now() + LIMITS.witnessClockMs)
      throw new Error('the time of the cosignature is in the future');
    return signatureLine(own);
  }
}

async function bounded(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > LIMITS.witnessAnswerBytes) throw new Error(`the response exceeds ${LIMITS.witnessAnswerBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
