import type { Event } from '@bailiwick/contracts/events/event';
import type {
  HonestRun,
  RehearsedFiring,
  RehearsedResponder,
  ResponderRehearsal,
} from '@bailiwick/contracts/policy/responder-rehearsal';
import { rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { respond } from '../commands/respond';
import { addRule } from '../revocation/add-rule';
import { isHeldBy, ruleOf } from '../revocation/revocation-rules';
import type { Rule } from '../revocation/rule-set';
import { chainOf, type LogState } from '../state/state';
import { evolveStored } from '../state/stored';
import type { CompiledResponder } from './compile';
import type { Firing } from './responders';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Held = Pick<HonestRun, 'agentClass' | 'responder' | 'heldAt'>;

/**
 * Repeats recorded events for responders that were not in force. What a suspension would have held stays as recorded, but
 * triggers nothing while it would have been held. It keeps the live runs only, and a bounded list of firings.
 */
export class Rehearsal {
  private readonly tallies: Map<string, Mutable<RehearsedResponder>>;
  private readonly firings: RehearsedFiring[] = [];
  private readonly honest: HonestRun[] = [];
  /** live runs that a suspension would have held, by the first one */
  private readonly held = new Map<string, Held>();
  private suspensions: Rule[] = [];

  /**
   * @param state empty
   * @param from the first position to which the responders respond
   */
  constructor(
    private readonly state: LogState,
    private readonly responders: readonly CompiledResponder[],
    private readonly from: number,
  ) {
    this.tallies = new Map(responders.map(({ name, do: does, select }) => [name, { name, does, select, ...NOTHING }]));
  }

  take(body: string): void {
    const { state } = this;
    const position = state.next;
    state.responders.rehearsed = position < this.from ? NONE : this.responders;
    const event = evolveStored(state, { position, body });
    if (!event) return;
    if (event.type === 'RunCompleted') this.completed(event);
    this.endSuspensions();
    for (const firing of [...state.responders.pending.values()]) this.fires(firing);
  }

  end(): Pick<ResponderRehearsal, 'responders' | 'firings' | 'honest' | 'assumes'> {
    for (const { id, name } of this.responders) {
      const tally = this.tallies.get(name);
      if (tally) tally.unrecorded += this.state.responders.nodes.get(id)?.unrecorded ?? 0;
    }
    return {
      responders: [...this.tallies.values()],
      firings: this.firings,
      honest: this.honest,
      assumes: [
        'Runs are repeated as recorded: a run that would have been held continues, but triggers nothing while it is held.',
        'Rules that fired are those that were in force at that time.',
      ],
    };
  }

  private completed({ runId = '', time }: Event): void {
    const held = this.held.get(runId);
    if (!held) return;
    this.held.delete(runId);
    const tally = this.tallies.get(held.responder);
    if (tally) tally.honest += 1;
    if (this.honest.length < LIMITS.policy.rehearsedFirings) this.honest.push({ runId, ...held, completedAt: time });
  }

  private fires(firing: Firing): void {
    const { state } = this;
    const { at, position, treeId, runId, selector } = firing;
    const [fired, rule] = respond(state, firing.id, at, `would_${firing.id}`);
    if (fired?.type !== 'ResponderFired') return void state.responders.pending.delete(firing.id);
    const compiled = this.responders.find(({ name }) => name === firing.responder);
    state.responders.fired(fired.data, compiled, position, at);
    const { did, limited, unrecorded = 0 } = fired.data;
    const tally = this.tallies.get(firing.responder) as Mutable<RehearsedResponder>;
    const stopped = rule?.type === 'RevocationRuleAdded' ? this.suspend(ruleOf(rule.data, position, at), firing) : 0;
    tally.unrecorded += unrecorded;
    tally.stopped += stopped;
    if (did === 'suspend') tally.suspensions += 1;
    else tally.prepared += 1;
    if (limited !== undefined) tally.limited += 1;
    if (this.firings.length >= LIMITS.policy.rehearsedFirings) return;
    const shown = { responder: firing.responder, position, time: rfc3339(at), treeId, runId, did, selector, stopped };
    this.firings.push({ ...shown, ...(limited === undefined ? {} : { limited }) });
  }

  /** Returns the number of live runs that a suspension would have held. */
  private suspend(rule: Rule, { at, responder }: Firing): number {
    const { state } = this;
    addRule(state, rule);
    this.suspensions.push(rule);
    let stopped = 0;
    for (const { id, grantId, agent, status } of state.runs.values()) {
      if (!(status === 'active' || status === 'suspended') || grantId === undefined || this.held.has(id)) continue;
      if (!(chainOf(state, grantId) ?? []).some((grant) => isHeldBy(state, rule, grant))) continue;
      stopped += 1;
      this.held.set(id, { agentClass: agent.class, responder, heldAt: rfc3339(at) });
    }
    return stopped;
  }

  /** Ends the suspensions whose time is over, and forgets runs that have left the state. */
  private endSuspensions(): void {
    const { state } = this;
    const over = this.suspensions.filter(({ until = Infinity }) => until <= state.lastTime);
    if (over.length === 0) return;
    for (const { revocationId } of over) state.rules.resume(revocationId, state.next, state.lastTime);
    this.suspensions = this.suspensions.filter((each) => !over.includes(each));
    for (const id of this.held.keys()) if (!state.runs.has(id)) this.held.delete(id);
  }
}

const NOTHING = { suspensions: 0, prepared: 0, limited: 0, unrecorded: 0, stopped: 0, honest: 0 };
const NONE: readonly CompiledResponder[] = [];
