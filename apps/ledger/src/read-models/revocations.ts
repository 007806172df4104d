import { Injectable } from '@nestjs/common';
import { appliesAt, type Rule } from '@bailiwick/authority/revocation/rule-set';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { readWhereReadable } from '@bailiwick/contracts/events/payload';
import type { StoredEvent } from '@bailiwick/contracts/events/stored-event';
import { idOf } from '@bailiwick/contracts/primitives';
import { namesVerb } from '@bailiwick/contracts/revocations/stored-selector';
import type { InForceAnswer, RevocationInForce } from '@bailiwick/contracts/revocations/record';
import { rfc3339, systemClock } from '@bailiwick/core/clock';
import { logName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { Sources } from '../connections/sources';
import { catchUp, folded } from '../follower/catch-up';
import { LogLedgers } from '../follower/log-ledgers';
import { found } from '../rpc/answers';

/** A page of the record of a revocation: after a row, or from the start. */
export interface RecordPage {
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
}

export interface InForcePage {
  readonly before?: number | undefined;
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
      ...(rule ? { ...statesOf(rule), ...(rule.resumed ? { resumedAt: rfc3339(rule.resumed.time) } : {}) } : {}),
      position,
      ...(position === undefined ? {} : madeBy((await this.sources.eventlog.at(log, [position]))[0])),
      ...(after === undefined ? { counts: await store.countConsequences(log, id) } : {}),
      consequences: page.map((row) => {
        if (isOfGrant(row)) return row;
        const { grantId: approvalId, ...rest } = row; // no lease ended; the revocation stopped a request for one
        return { ...rest, approvalId };
      }),
      next: rows.length > limit && last ? last.grantId : null,
    });
  }

  /**
   * Lists the suspensions and the quarantines that apply now, newest first. It reads at least what was committed before
   * the request: a list that left out what holds an agent would mislead the person who lifts the rest.
   * @param before only those at positions below it
   * @throws NotYet if the ledger does not reach the end of the log in time
   */
  async inForce(tenant: string, { before = Infinity, limit = LIMITS.inForcePage }: InForcePage = {}): Promise<Answer> {
    const log = logName(tenant, 0);
    const ledger = await this.ledgers.following(log);
    if (!ledger) return found({ items: [], next: null } satisfies InForceAnswer);
    await catchUp([ledger], (await this.sources.eventlog.head(log)) - 1);
    const now = systemClock.now();
    const { list } = folded(ledger).rules;
    const shown: Rule[] = [];
    for (let i = list.length - 1; i >= 0 && shown.length <= limit; i--) {
      const rule = list[i] as Rule;
      if (rule.position < before && (rule.suspends ?? rule.quarantine) && appliesAt(rule, now)) shown.push(rule);
    }
    const rules = shown.slice(0, limit);
    const events = await this.sources.eventlog.at(
      log,
      rules.map(({ position }) => position),
    );
    const items = rules.map((rule): RevocationInForce => {
      const { revocationId, position } = rule;
      const stored = events.find((each) => each.position === position);
      return { revocationId, ...statesOf(rule), position, ...madeBy(stored) };
    });
    const next = shown.length > limit ? (items.at(-1)?.position ?? null) : null;
    return found({ items, next } satisfies InForceAnswer);
  }
}

/** What the state holds of a revocation, as its record states it. */
const statesOf = (rule: Rule): Omit<RevocationInForce, 'revocationId' | 'position'> => ({
  selector: rule.selector,
  ...(namesVerb(rule.selector) ? { target: rule.target ?? 'leases' } : {}),
  quarantine: rule.quarantine,
  ...(rule.suspends ? { mode: 'suspend' } : {}),
  ...(rule.until === undefined ? {} : { until: rfc3339(rule.until) }),
});

const isOfGrant = ({ grantId }: { grantId: string }): boolean => idOf('grant').safeParse(grantId).success;

/** Returns by whom and why a revocation was made: parts of its event that the state does not hold. */
function madeBy(stored: StoredEvent | undefined): Pick<RevocationInForce, 'at' | 'by' | 'reason' | 'incident'> {
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
