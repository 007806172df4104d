import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { LIMITS } from '@bailiwick/core/limits';
import { parseLogName } from '@bailiwick/core/ids';
import { QueueFullError, SerialQueue } from '@bailiwick/platform/serial-queue';
import { Refused } from '../http/problems/problem';
import { LogClient } from '../log-client/log-client';

/** What the ledger finds when it refolds a log from position 0. */
interface Refolded {
  position: number;
  root: string;
  state: string;
  findings: string[];
  first: unknown;
  checkpoints: number;
  ledgerCompared: boolean;
}

/** The live state keeps moving while a log is refolded: both are read again, at most this often, until positions agree. */
const TRIES = 5;

/** Verifies logs: the ledger refolds one, and the result is compared with the live state of its owner (I10). */
@Injectable()
export class LogVerification {
  /** tenant → its queue: a verification also costs the log's owner */
  private readonly queues = new Map<string, SerialQueue>();

  constructor(private readonly logClient: LogClient) {}

  /**
   * @param onProgress called whenever the ledger reports progress; an error that it throws ends the verification
   * @throws Refused TOO_MANY if too many verifications of the tenant wait
   */
  async verify(log: string, onProgress: () => void): Promise<unknown> {
    const { tenant } = parseLogName(log);
    const queue =
      this.queues.get(tenant) ??
      new SerialQueue(`a log of ${tenant} is being verified`, LIMITS.foldsWaiting, LIMITS.foldWaitMs);
    this.queues.set(tenant, queue);
    try {
      return await queue.take(() => this.compare(log, onProgress));
    } catch (error) {
      if (error instanceof QueueFullError) throw new Refused('TOO_MANY', error.message);
      throw error;
    }
  }

  private async compare(log: string, onProgress: () => void): Promise<unknown> {
    for (let tries = TRIES; ; tries--) {
      const live = await this.logClient.query<{ position: number; digest: string | null }>({ op: 'stateDigest', log });
      const refolded = await this.refold(log, live.position, onProgress);
      const { position, root, state, findings, first, checkpoints, ledgerCompared } = refolded;
      const isSame = position === live.position;
      if (!isSame && findings.length === 0 && tries > 0) continue;
      const differs =
        isSame && live.digest !== null && state !== live.digest
          ? ['the live state is not what the log folds to (I10)']
          : [];
      const moved =
        isSame || findings.length > 0
          ? []
          : [`the live state is at position ${live.position}, the ledger at ${position}`];
      const all = [...findings, ...differs, ...moved];
      const ok = all.length === 0;
      const compared = { refolded: state, live: live.digest, ledgerCompared, checkpoints };
      return { log, position, root, ...compared, findings: all, first, ok };
    }
  }

  /** Polls the ledger until it has refolded the log, which takes minutes for a long one. */
  private async refold(log: string, position: number, onProgress: () => void): Promise<Refolded> {
    const name = randomUUID();
    for (;;) {
      const result = await this.logClient.ledger<Refolded | { goesOn: true }>(
        'verify',
        { log, position, name },
        LIMITS.verifyMs,
      );
      if (!('goesOn' in result)) return result;
      onProgress();
    }
  }
}
