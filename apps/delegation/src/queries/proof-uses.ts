import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { query as querySchema, type ProofView, type Query } from '@bailiwick/contracts/queries/query';
import { systemClock } from '@bailiwick/core/clock';
import { parseLogName } from '@bailiwick/core/ids';
import { ProofMemory } from '@bailiwick/core/proof-memory';
import type { OwnedLog } from '../ownership/owned-log';

type Use = NonNullable<Extract<Query, { op: 'proof' }>['use']>;

interface Epoch {
  readonly id: string;
  readonly since: number;
}

/**
 * Accepts DPoP proofs once for all gateways: the owner of a tenant's log is the one process that they share. The memory
 * ends with the lease of the log. Each ownership is an epoch, which the nonces of its proofs name, so that the next owner
 * accepts no proof that this one may have accepted. It is read and changed synchronously.
 */
@Injectable()
export class ProofUses {
  private readonly memory = new ProofMemory(() => systemClock.now());
  private readonly epochs = new WeakMap<object, Epoch>();

  take(target: Pick<OwnedLog, 'log'> & Partial<Pick<OwnedLog, 'since'>>, raw: unknown): Answer {
    const parsed = querySchema.safeParse(raw);
    if (!parsed.success || parsed.data.op !== 'proof' || parsed.data.log !== target.log)
      return { ok: false, refusal: { code: 'BAD_REQUEST', detail: 'malformed query about a proof' } };
    const { id: epoch, since } = this.epochOf(target);
    const { use } = parsed.data;
    return {
      ok: true,
      value: {
        verdict: use ? this.verdictOn(target.log, use, epoch, (use.once && target.since) ?? since) : 'nonce',
        epoch,
      },
    };
  }

  private verdictOn(
    log: string,
    { epoch: named, once: _, ...use }: Use,
    epoch: string,
    since: number,
  ): ProofView['verdict'] {
    if (named !== undefined && named !== epoch) return 'nonce';
    const { tenant } = parseLogName(log);
    return this.memory.take({ tenant, ...use, hasNonce: named !== undefined }, since);
  }

  private epochOf(target: object): Epoch {
    const epoch = this.epochs.get(target) ?? { id: randomUUID(), since: systemClock.now() };
    this.epochs.set(target, epoch);
    return epoch;
  }
}
