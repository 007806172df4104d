import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { canonicalize } from '@bailiwick/core/canonical';
import type { ReportFinding } from './finding';

type Fired = EventOf<'ResponderFired'>['data'];
type Added = EventOf<'RevocationRuleAdded'>['data'];

/**
 * The auditor's record of responders: each suspension by one is directly after the event of its firing and is what that
 * states, and none of them does more than suspend. What makes a responder fire is not checked here.
 */
export class ResponderBook {
  /** a firing whose suspension has not followed yet */
  private due: Fired | undefined;

  check({ type, data, actor, position }: Event, version: number, report: ReportFinding): void {
    const { due } = this;
    this.due = undefined;
    if (type === 'RevocationRuleAdded' && data.responder) {
      if (!due || !isSame(due, data))
        report('policy', `${data.revocationId} is not what a responder states to suspend`);
    } else if (due) report('policy', `responder ${due.responder.name} states a suspension that does not follow`);
    if (type !== 'ResponderFired') return;
    const { responder, trigger, did, revocationId } = data;
    if (actor.kind === 'run') report('policy', `a run fired the responder ${responder.name}`);
    if (responder.policy !== version)
      report(
        'policy',
        `responder ${responder.name} is of version ${responder.policy}, but version ${version} is in force`,
      );
    if (trigger.position >= position) report('policy', `responder ${responder.name} responds to a later event`);
    if ((did === 'suspend') !== (revocationId !== undefined))
      report('policy', `responder ${responder.name} does not state what it suspended`);
    if (did === 'suspend') this.due = data;
  }
}

const isSame = (fired: Fired, { revocationId, selector, mode, until, responder }: Added): boolean =>
  mode === 'suspend' &&
  revocationId === fired.revocationId &&
  until === fired.until &&
  canonicalize({ selector, responder }) === canonicalize({ selector: fired.selector, responder: fired.responder });
