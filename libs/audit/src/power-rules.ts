import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { at, type Books, type Grant } from './books';
import type { ReportFinding } from './finding';

/** Checks that a run has power over a grant that it suspends, resumes or revokes. Other actors have it by their role. */
export function checkPower(books: Books, event: Event, grant: Grant, report: ReportFinding): void {
  if (event.actor.kind !== 'run') return;
  const why = books.noPower(event.actor.id, grant, at(event.time));
  if (why !== undefined) report('liveness', `${event.type} by a run without power: ${why}`);
}

/** Records a suspension. One by a rule follows from what a run reported, so it needs no power. */
export function checkSuspension(books: Books, event: EventOf<'GrantSuspended'>, report: ReportFinding): void {
  const grant = books.grants.get(event.grantId ?? '');
  if (!grant) return;
  const { code } = event.data.reason;
  const byRun = event.actor.kind === 'run' && code !== 'OVERRUN' && code !== 'DRIFT' && code !== 'POLICY_RULE';
  if (byRun) checkPower(books, event, grant, report);
  grant.suspended = true;
  grant.heldBy = byRun ? event.actor.id : undefined;
}

/** Checks that a person, or the run that suspended it, resumes a grant. */
export function checkResumption(books: Books, event: EventOf<'GrantResumed'>, report: ReportFinding): void {
  const { actor } = event;
  const grant = books.grants.get(event.grantId ?? '');
  if (actor.kind === 'system' || (actor.kind === 'run' && grant?.heldBy !== actor.id))
    report('liveness', 'resumed by neither a person nor the run that suspended it');
  if (!grant) return;
  checkPower(books, event, grant, report);
  if (actor.kind !== 'run') Object.assign(books.conduct(event.runId), { drift: 0, denials: 0 });
  grant.suspended = false;
  grant.heldBy = undefined;
}
