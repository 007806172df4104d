import { Injectable } from '@nestjs/common';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { readWhereReadable } from '@bailiwick/contracts/events/payload';
import { idOf } from '@bailiwick/contracts/primitives';
import { namesVerb } from '@bailiwick/contracts/revocations/stored-selector';
import { rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { Sources } from '../connections/sources';
import { folded } from '../follower/catch-up';
import { LogLedgers } from '../follower/log-ledgers';
import { found } from '../rpc/answers';

/** A page of the record of a revocation: after a row, or from the start. */
export interface RecordPage {
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

/** A revocation and its consequences: the leases, calls and requests it stopped, in pages. */
@Injectable()
export class Revocations {
  constructor(
    private readonly ledgers: LogLedgers,
    private readonly sources: Sources,
  ) {}

  async find(tenant: string, id: string, { after, limit = LIMITS.revocationPage }: RecordPage = {}): Promise<Answer> {
    const { store } = this.sources;
    const ledger = await this.ledgers.find(tenant, id);
    if (!ledger) return this.ledgers.missing(tenant, id);
    const { log } = ledger.state;
    const rule = folded(ledger).rules.find(id);
    const rows = await store.consequencesAfter(log, id, after, limit + 1);
    if (!rule && after === undefined && rows.length === 0) return this.ledgers.missing(tenant, id);
    const page = rows.slice(0, limit);
    const last = page.at(-1);
    const position = rule?.position ?? rows[0]?.position;
    return found({
      revocationId: id,
      ...(rule
        ? {
            selector: rule.selector,
            ...(namesVerb(rule.selector) ? { target: rule.target ?? 'leases' } : {}),
            quarantine: rule.quarantine,
            ...(rule.suspends ? { mode: 'suspend' } : {}),
            ...(rule.until === undefined ? {} : { until: rfc3339(rule.until) }),
            ...(rule.resumed ? { resumedAt: rfc3339(rule.resumed.time) } : {}),
          }
        : {}),
      position,
      ...(position === undefined ? {} : await this.recorded(log, position)),
      ...(after === undefined ? { counts: await store.countConsequences(log, id) } : {}),
      consequences: page.map((row) => {
        if (isOfGrant(row)) return row;
        const { grantId: approvalId, ...rest } = row; // no lease ended; the revocation stopped a request for one
        return { ...rest, approvalId };
      }),
      next: rows.length > limit && last ? last.grantId : null,
    });
  }

  /** Returns by whom and why it was made: parts of its event that the state does not hold. */
  private async recorded(log: string, position: number) {
    const [stored] = await this.sources.eventlog.at(log, [position]);
    const read = stored && readWhereReadable(stored);
    if (!read || !('revocationId' in read.event.data)) return {};
    const { time, actor, data } = read.event;
    const responder = 'responder' in data ? data.responder : undefined;
    const reason = responder && 'reason' in data ? data.reason.says : read.payload?.reason;
    return {
      at: time,
      by: responder ? `responder:${responder.name} of policy version ${responder.policy}` : actor.id,
      ...(typeof reason === 'string' ? { reason } : {}),
      ...('incident' in data && data.incident !== undefined ? { incident: data.incident } : {}),
    };
  }
}

const isOfGrant = ({ grantId }: { grantId: string }): boolean => idOf('grant').safeParse(grantId).success;
