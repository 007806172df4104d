import type { Event } from '@bailiwick/contracts/events/event';
import type { Reason } from '@bailiwick/contracts/reason';
import { leaves } from '../presentation/leaves';
import { heldByRule } from '../revocation/revocation-rules';
import { blockedInChain } from '../state/liveness';
import { chainOf, type LogState, type RunNode } from '../state/state';
import type { CompiledResponder, Seen } from './compile';
import { limitedBy } from './limited';
import { keyOf } from './responders';
import { selectorFor } from './selector';

/** The responders of a state: those of the policy in force, or those that are rehearsed. */
export const respondersIn = ({ responders, policies }: LogState): readonly CompiledResponder[] =>
  responders.rehearsed ?? policies.responders;

/**
 * Lets the responders count an event, after it was folded. A responder that fires is pending until its own event, which
 * the owner decides at its next tick: within the same append, unless that is full. A crash before that loses nothing, as
 * what is pending follows from the log. The work is constant for each responder.
 */
export function observeEvent(state: LogState, event: Event, at: number): void {
  const list = respondersIn(state);
  if (list.length === 0) return;
  const run = event.runId === undefined ? undefined : state.runs.get(event.runId);
  const seen = run && seenIn(event, run);
  if (!seen) return;
  let isOver: boolean | undefined;
  for (const responder of list) {
    const weight = responder.weigh(seen);
    if (weight <= 0) continue;
    isOver ??= hasStopped(state, run, seen, at);
    if (isOver) return; // what it did before is already answered
    const selector = selectorFor(responder.select, run);
    const key = keyOf(selector);
    if (!state.responders.count(responder, key, at, weight)) continue;
    const { position } = event;
    const id = `${position}.${responder.name}`;
    const { id: runId, treeId } = run;
    const firing = { id, responder: responder.name, position, at, treeId, runId, selector, key };
    if (state.responders.fire(responder, firing, maySuspend(state, responder, at)))
      state.deadlines.add({ at, kind: 'responder', id });
  }
}

/**
 * Reports whether a refusal that is not recorded yet would fire a responder at once. Such a refusal is written although
 * the budget of refusals is used up: a run must not hide it behind many others. It is written once, since the firing has
 * an event then.
 */
export function firesAtOnce(state: LogState, refusal: Observed & { readonly runId?: string | undefined }, at: number) {
  const run = state.runs.get(refusal.runId ?? '');
  const seen = run && seenIn(refusal, run);
  if (!seen) return false;
  const fires = respondersIn(state).some((responder) => {
    if (responder.withinMs > 0 || responder.weigh(seen) <= 0) return false;
    const key = keyOf(selectorFor(responder.select, run));
    return state.responders.heldBack(responder, { key, at }, maySuspend(state, responder, at)) === undefined;
  });
  return fires && !hasStopped(state, run, seen, at);
}

const maySuspend = (state: LogState, responder: CompiledResponder, at: number): boolean =>
  responder.do === 'suspend' && limitedBy(state, responder, at) === undefined;

/** An event, or one that is to be decided. */
type Observed = Pick<Event, 'type' | 'data'>;

function seenIn(observed: Observed, run: RunNode): Seen | undefined {
  const event = observed as Event; // the type states which data it has

  switch (event.type) {
    case 'DriftScored':
      return { kind: 'drift', agentClass: run.agent.class, score: event.data.score };
    case 'ActionPermitted':
    case 'ActionDenied':
    case 'ActionStepUp': {
      const { verb, tool, effect, effects = [effect], labels, resource, agentClass, charge } = event.data;
      const decision = DECISIONS[event.type];
      const step = { kind: KINDS[decision], labels, effects, verb, resource, runId: run.id, agentClass, charge };
      return { kind: 'call', agentClass, decision, step, tool, reasons: new Leaves(event.data.reasons) };
    }
    default:
      return undefined;
  }
}

const DECISIONS = { ActionPermitted: 'permitted', ActionDenied: 'denied', ActionStepUp: 'asked' } as const;
const KINDS = { permitted: 'permitted', denied: 'denied', asked: 'denied' } as const;

/** The leaves of reasons, which most events are not asked for. */
class Leaves {
  private list: readonly Reason[] | undefined;
  constructor(private readonly reasons: readonly Reason[]) {}
  some(test: (reason: Reason) => boolean): boolean {
    this.list ??= leaves(this.reasons);
    return this.list.some(test);
  }
}

/**
 * Reports whether a run could do nothing any more when it was seen. The token of a lease that has ended may be held by
 * anyone, so that a call with it must not stop others; and a run that is suspended asks again and again, which must not
 * suspend it once more when it is resumed. A permitted call may itself have ended the lease, by its budget.
 */
function hasStopped(state: LogState, run: RunNode, seen: Seen, at: number): boolean {
  const chain = run.grantId === undefined ? undefined : chainOf(state, run.grantId);
  if (!chain) return false;
  const isRefused = seen.kind === 'call' && seen.decision !== 'permitted';
  if (isRefused) return blockedInChain(state, chain, at) !== undefined;
  return state.rules.holding > 0 && chain.some((grant) => heldByRule(state, grant, at) !== undefined);
}
