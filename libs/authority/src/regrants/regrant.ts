import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { Refusal } from '@bailiwick/contracts/reason';
import type { RegrantBound } from '@bailiwick/contracts/revocations/regrants';
import { parseTime } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { onOneLevel } from '../commands/grants/narrow';
import { readsStages } from '../dimensions/stages';
import { reasonsOf, sorted } from '../dimensions/verdict';
import { attenuatesAll } from '../dimensions/all';
import { couldUseNamed, selects, withoutVerb, type Subject } from '../revocation/selects';
import { subjectOf } from '../revocation/revocation-rules';
import { appliesAt, deniesTool, strikes, type Rule } from '../revocation/rule-set';
import { blockedItself } from '../state/liveness';
import { asideBy, doubtOf } from '../state/set-aside';
import type { GrantNode, LogState, RunNode } from '../state/state';

/*
 * What a root lease that a revocation ended could get again: a new lease of a new run, for a person to approve, never the
 * old one. It has no more than was left of the old one in any dimension, and ends no later unless a person states a time.
 */

/** A root lease as it ended, in the state that still has it: that of the log, or that of its tree alone. */
export interface EndedLease {
  readonly state: LogState;
  readonly grant: GrantNode;
  readonly run: RunNode;
}

/**
 * Returns why a lease that ended cannot be granted again; in doubt, it cannot.
 * @param log the state of the whole log, with its rules
 */
export function whyNotAgain(
  log: LogState,
  { state, grant, run }: EndedLease,
  { revocationId, position }: Pick<Rule, 'revocationId' | 'position'>,
  left: Limits,
  now: number,
): string | undefined {
  const doubt = asideBy(state, grant.treeId) ?? doubtOf(state) ?? doubtOf(log);
  if (doubt) return `event ${doubt.position} cannot be read, so what was used of it is not known; open a new run`;
  const blocked = blockedItself(state, grant, now);
  if (grant.supersededBy !== undefined) return `it was already replaced by ${grant.supersededBy}`;
  if (blocked?.revocationId !== revocationId || blocked.status !== 'revoked')
    return `it is ${blocked?.status ?? 'live'}, and not by this revocation`;
  const { onDrift } = grant.limits.purpose;
  // its end hides that no person has resumed it
  if (grant.status === 'suspended' || run.drift >= onDrift.suspendAt)
    return 'it was suspended before it ended; a person reviews the run, and opens a new one';
  if (grant.limits.session.jkt !== undefined)
    return 'it is bound to the key of the ended run; open a new run with a new key';
  if (!readsStages(grant.limits)) return 'it was issued by an earlier release; open a new run';
  if (run.agent.attestedBy !== undefined)
    return `its posture was attested by ${run.agent.attestedBy}; open a new run with a new attestation`;
  if (left.budget.calls === 0) return 'no calls are left of it';
  if ((parseTime(left.time.expiresAt) ?? 0) <= now)
    return `its time ended at ${left.time.expiresAt}; state when the new lease ends`;
  const subject = subjectOf(run, grant);
  const stop = stopInForce(log, subject, now);
  if (stop) return stop;
  const newer = log.rules.match(subject, 0, (each) => each.position > position && strikes(each, run));
  if (newer) return `${newer.revocationId} has revoked it since, too`;
  const denied = log.rules.list.find((each) => isDenied(each, run, subject, now));
  return denied && `${denied.revocationId} denies a tool or verb that it could use; open a new run without it`;
}

const isDenied = (rule: Rule, run: RunNode, subject: Subject, now: number): boolean =>
  (rule.selector.tool !== undefined || rule.selector.verb !== undefined) &&
  deniesTool(rule, run, now) &&
  selects(withoutVerb(rule.selector), subject) &&
  couldUseNamed(rule.selector, subject.limits);

/** Returns the suspension or quarantine that is about such a lease now, however old it is. */
function stopInForce({ rules }: LogState, subject: Subject, now: number): string | undefined {
  const applies = (each: Rule): boolean => each.target !== 'tool' && appliesAt(each, now);
  const held = rules.holds(subject, applies);
  if (held) return `${held.revocationId} suspends such leases; resume it first`;
  const quarantine = rules.match(subject, 0, (each) => each.quarantine && applies(each));
  return quarantine && `${quarantine.revocationId} quarantines such leases; lift it first`;
}

/** A person refused it, or it was not answered in time. A run that the state has forgotten is taken to have had a lease. */
const gotNothing = (run: RunNode | undefined): boolean =>
  run !== undefined && run.grantId === undefined && run.status !== 'pending';

/**
 * Returns why a run may not be opened to have what was left of an ended lease: such leases are stopped, it would have more,
 * or another run was opened for it, unless a person refused that.
 */
export function regrantRefusal(
  state: LogState,
  { grantId, revocationId, atMost, asOf }: RegrantBound,
  subject: Subject,
  now: number,
): Refusal | undefined {
  const before = state.regranted.get(grantId);
  if (before !== undefined && !gotNothing(state.runs.get(before)))
    return { code: 'CONFLICT', detail: `${grantId} was granted again as ${before}` };
  if (state.regranted.size >= LIMITS.regrantsKept)
    return {
      code: 'TOO_MANY',
      detail: `a log remembers ${LIMITS.regrantsKept} leases that were granted again; open a new run`,
    };
  // the new run is newer than such a rule, which would not reach it
  const since = state.rules.list.findLast(
    (each) => each.position >= asOf && selects(withoutVerb(each.selector), subject),
  );
  if (since)
    return { code: 'CONFLICT', detail: `${since.revocationId} was made since the proposal; list the proposals again` };
  const stop = stopInForce(state, subject, now);
  if (stop !== undefined) return { code: 'QUARANTINED', detail: `${grantId} is not granted again: ${stop}` };
  const wider = attenuatesAll(subject.limits, onOneLevel(atMost));
  if (wider.length === 0) return undefined;
  return {
    code: 'GRANT_WIDENS_PARENT',
    detail: `the new lease would have more than ${revocationId} left of ${grantId} in ${sorted(wider.map(({ path }) => path)).join(', ')}`,
    reasons: reasonsOf(wider),
  };
}
