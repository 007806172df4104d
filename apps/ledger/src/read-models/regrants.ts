import { Injectable } from '@nestjs/common';
import { VIEWERS } from '@bailiwick/authority/presentation/viewers';
import { usedUp } from '@bailiwick/authority/presentation/views';
import { leftOver } from '@bailiwick/authority/regrants/left-over';
import { whyNotAgain } from '@bailiwick/authority/regrants/regrant';
import type { LogState } from '@bailiwick/authority/state/state';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { idOf } from '@bailiwick/contracts/primitives';
import type { RegrantProposal } from '@bailiwick/contracts/revocations/regrants';
import { systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { Sources } from '../connections/sources';
import { catchUp, folded } from '../follower/catch-up';
import type { LogLedger } from '../follower/log-ledger';
import { LogLedgers } from '../follower/log-ledgers';
import { found, refuse } from '../rpc/answers';
import { findState } from '../search/find-by-id';

/** Which proposals to make. */
export interface RegrantsQuery {
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
  readonly expiresAt?: string | undefined;
  /** only these leases, in place of a page */
  readonly grantIds?: readonly string[] | undefined;
}

/** What the root leases that a revocation ended could get again. Their trees may have left the state of the owner. */
@Injectable()
export class Regrants {
  constructor(
    private readonly ledgers: LogLedgers,
    private readonly sources: Sources,
  ) {}

  /** @throws NotYet if the ledger is behind the log: later rules may stop a lease, and later outcomes use it up */
  async propose(
    tenant: string,
    id: string,
    { after, limit = LIMITS.regrantsPage, expiresAt, grantIds }: RegrantsQuery,
  ): Promise<Answer> {
    const { store, eventlog } = this.sources;
    const ledger = await this.ledgers.find(tenant, id);
    if (!ledger) return this.ledgers.missing(tenant, id);
    const { log } = ledger.state;
    await catchUp([ledger], (await eventlog.head(log)) - 1);
    const state = folded(ledger);
    const asOf = state.next; // a rule that is made during the walk may be missed by a part of the proposals
    const rule = state.rules.find(id);
    if (rule?.suspends) return refuse('CONFLICT', `${id} is a suspension: resume it, and its leases continue`);
    const rows = await store.consequencesAfter(log, id, after, (grantIds ? LIMITS.regrantsSeen : limit) + 1);
    const position = rule?.position ?? rows[0]?.position;
    if (position === undefined) return this.ledgers.missing(tenant, id);
    const page = grantIds ? rows.filter(({ grantId }) => grantIds.includes(grantId)) : rows.slice(0, limit);
    const about = { revocationId: id, position };
    const items: RegrantProposal[] = [];
    let delegated = 0;
    for (const { grantId } of page) {
      if (!idOf('grant').safeParse(grantId).success) continue; // a request: no lease ended
      const made = await this.proposal(ledger, state, grantId, about, expiresAt);
      if (made) items.push(made);
      else delegated += 1;
    }
    const next = !grantIds && rows.length > limit ? (page.at(-1)?.grantId ?? null) : null;
    return found({ revocationId: id, asOf, items, delegated, next });
  }

  /** @returns undefined for a lease that had a parent */
  private async proposal(
    ledger: LogLedger,
    log: LogState,
    grantId: string,
    about: { readonly revocationId: string; readonly position: number },
    expiresAt: string | undefined,
  ): Promise<RegrantProposal | undefined> {
    const { eventlog } = this.sources;
    const now = systemClock.now();
    const state = await findState(ledger, this.sources, 'grant', grantId);
    const grant = state?.grants.get(grantId);
    const run = grant && state?.runs.get(grant.runId);
    if (!state || !run || grant.parentId !== undefined) return undefined;
    const { purpose = null, requestedBy = null } = (await VIEWERS.run(eventlog, state, run.id, now)) ?? {};
    const left = leftOver(grant, now, expiresAt);
    const erased = purpose === null || requestedBy === null ? 'its purpose or person was erased' : undefined;
    const whyNot = erased ?? whyNotAgain(log, { state, grant, run }, about, left, now);
    const regrantedAs = log.regranted.get(grantId);
    return {
      grantId,
      runId: run.id,
      agent: run.agent,
      requestedBy,
      purpose,
      held: grant.limits,
      used: usedUp(grant),
      ...(whyNot === undefined ? { proposed: left } : { whyNot }),
      ...(regrantedAs === undefined ? {} : { regrantedAs }),
    };
  }
}
