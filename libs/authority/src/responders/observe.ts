import type { Event } from '@bailiwick/contracts/events/event';
import type { Reason } from '@bailiwick/contracts/reason';
import { leaves } from '../presentation/leaves';
import { heldByRule } from '../revocation/revocation-rules';
import { chainOf, type LogState, type RunNode } from '../state/state';
import type { CompiledResponder, Seen } from './compile';
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
  let isHeld: boolean | undefined;
  for (const responder of list) {
    const weight = responder.weigh(seen);
    if (weight <= 0) continue;
    isHeld ??= isSuspended(state, run, at);
    if (isHeld) return; // what it did before is already answered
    const selector = selectorFor(responder.select, run);
    const key = keyOf(selector);
    if (!state.responders.count(responder, key, at, weight)) continue;
    const { position } = event;
    const id = `${position}.${responder.name}`;
    const { id: runId, treeId } = run;
    const firing = { id, responder: responder.name, position, at, treeId, runId, selector, key };
    if (state.responders.fire(responder, firing)) state.deadlines.add({ at, kind: 'responder', id });
  }
}

function seenIn(event: Event, run: RunNode): Seen | undefined {
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

/** Reports whether a suspension by selector holds a run at a time. */
function isSuspended(state: LogState, run: RunNode, at: number): boolean {
  if (state.rules.holding === 0 || run.grantId === undefined) return false;
  return (chainOf(state, run.grantId) ?? []).some((grant) => heldByRule(state, grant, at) !== undefined);
}
