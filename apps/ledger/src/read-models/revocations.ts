import { Injectable } from '@nestjs/common';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { namesVerb } from '@bailiwick/contracts/revocations/stored-selector';
import { idOf } from '@bailiwick/contracts/primitives';
import { Sources } from '../connections/sources';
import { folded } from '../follower/catch-up';
import { LogLedgers } from '../follower/log-ledgers';
import { found, missing } from '../rpc/answers';

/** A revocation and its consequences: the leases, calls and requests it stopped. */
@Injectable()
export class Revocations {
  constructor(
    private readonly ledgers: LogLedgers,
    private readonly sources: Sources,
  ) {}

  async find(tenant: string, id: string): Promise<Answer> {
    const ledger = await this.ledgers.find(tenant, id);
    const rule = ledger && folded(ledger).rules.find(id);
    const rows = await this.sources.store.consequences(tenant, id);
    if (!rule && rows.length === 0) return missing(id);
    const sum = (pick: (row: (typeof rows)[number]) => number): number =>
      rows.reduce((total, row) => total + pick(row), 0);
    return found({
      revocationId: id,
      ...(rule
        ? {
            selector: rule.selector,
            ...(namesVerb(rule.selector) ? { target: rule.target ?? 'leases' } : {}),
            quarantine: rule.quarantine,
            position: rule.position,
          }
        : { position: rows[0]?.position }),
      counts: {
        grants: rows.filter(isOfGrant).length,
        runs: new Set(rows.map((row) => row.runId)).size,
        inFlight: sum((row) => row.inFlight),
        pendingApprovals: sum((row) => row.pendingApprovals),
      },
      consequences: rows.map((row) => {
        if (isOfGrant(row)) return row;
        const { grantId: approvalId, ...rest } = row; // no lease ended; the revocation stopped a request for one
        return { ...rest, approvalId };
      }),
    });
  }
}

const isOfGrant = ({ grantId }: { grantId: string }): boolean => idOf('grant').safeParse(grantId).success;
