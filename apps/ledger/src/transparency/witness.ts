import type { KeyObject } from 'node:crypto';
import type { WitnessConfig } from '@bailiwick/platform/keys/witness-config';
import { LIMITS } from '@bailiwick/core/limits';
import { SerialQueue } from '@bailiwick/platform/serial-queue';
import { makeCosigner, witnessKey } from '@bailiwick/transparency-log/cosignature';
import { parseVerifierKey, signatureLine } from '@bailiwick/transparency-log/note';
import type { KnownLog } from '@bailiwick/transparency-log/submission';
import { judge, originOf } from '@bailiwick/transparency-log/witness';
import type { HeadsRepository } from './heads.repository';

export interface WitnessAnswer {
  readonly status: number;
  readonly text: string;
  /** the content type; undefined for a problem document */
  readonly type?: string;
}

export interface WitnessOptions {
  /** its key name */
  readonly name: string;
  readonly key: KeyObject;
  readonly logs: WitnessConfig['logs'];
  readonly heads: Pick<HeadsRepository, 'witnessed' | 'witness'>;
  /** ms */
  readonly now: () => number;
}

/**
 * Cosigns checkpoints of other logs (C2SP tlog-witness): of each log only checkpoints that extend all those cosigned
 * before, for any client and any number of instances.
 */
export class Witness {
  readonly vkey: string;
  private readonly logs: ReadonlyMap<string, KnownLog>;
  private readonly turns = new SerialQueue('checkpoints are being judged', LIMITS.submissionsWaiting, LIMITS.witnessMs);

  /** @throws Error if the key of a log is invalid */
  constructor(private readonly options: WitnessOptions) {
    this.vkey = witnessKey(options.name, options.key);
    this.logs = new Map(options.logs.map(({ origin, vkeys }) => [origin, { origin, keys: vkeys.map(keyIn) }]));
  }

  /** @throws QueueFullError if too many submissions wait */
  add(submission: string): Promise<WitnessAnswer> {
    return this.turns.take(() => this.judged(submission));
  }

  private async judged(submission: string): Promise<WitnessAnswer> {
    const { heads, name, key, now } = this.options;
    const origin = originOf(submission);
    const held = origin !== undefined && this.logs.has(origin) ? await heads.witnessed(origin) : undefined;
    const judgement = judge(submission, this.logs, () => held);
    if (judgement.status === 409) return { status: 409, text: `${judgement.size}\n`, type: 'text/x.tlog.size' };
    if (judgement.status !== 200) return { status: judgement.status, text: judgement.detail };
    const { checkpoint, text } = judgement;
    const isNew = held?.size !== checkpoint.size;
    // If the process dies before the next statement, nothing is stored and nothing is signed. If it dies after it, the
    // stored head has no cosignature: the log receives the size (409) and submits the same checkpoint again.
    if (isNew && !(await heads.witness(checkpoint.origin, held, { ...checkpoint, note: submission })))
      return this.judged(submission); // another instance was faster: judge by the new head
    const cosigner = makeCosigner(name, key, Math.floor(now() / 1_000));
    const line = signatureLine({ name, keyId: cosigner.keyId, signature: cosigner.sign(text) });
    return { status: 200, text: line, type: 'text/plain; charset=utf-8' };
  }
}

function keyIn(vkey: string) {
  const key = parseVerifierKey(vkey);
  if (!key.ok) throw new Error(`witnesses.json: ${key.error}`);
  return key.value;
}
