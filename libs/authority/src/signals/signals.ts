import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import {
  ANSWER_SECONDS,
  INSTANT_MS,
  type PolicySignals,
  type ReasonSignals,
  type VerbSignals,
} from '@bailiwick/contracts/policy/policy-signals';
import { parseTime } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { leaves } from '../presentation/leaves';
import { suggestionsFor } from './suggestions';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };
type Decision = EventOf<'ActionPermitted' | 'ActionDenied' | 'ActionStepUp'>;

/** A request for the approval of a call that is not answered yet. */
interface Pending {
  readonly verb: Mutable<VerbSignals>;
  readonly at: number;
}

/**
 * Counts decisions and the answers of people by verb and class, and by reason. It takes the events of a log in order and
 * keeps a bounded number of groups and of pending requests. Requests for leases are not counted: they name no verb.
 */
export class Signals {
  private decisions = 0;
  private readonly verbs = new Map<string, Mutable<VerbSignals>>();
  private readonly reasons = new Map<string, Mutable<ReasonSignals>>();
  /** by the id of the request */
  private readonly pending = new Map<string, Pending>();

  take(event: Event): void {
    switch (event.type) {
      case 'ActionPermitted':
      case 'ActionDenied':
      case 'ActionStepUp':
        return this.decision(event);
      case 'ApprovalGiven':
        return this.answer(event);
      case 'ApprovalExpired':
        return this.expired(event);
    }
  }

  summary(): Pick<PolicySignals, 'decisions' | 'verbs' | 'reasons' | 'suggestions'> {
    const verbs = [...this.verbs.values()];
    const reasons = [...this.reasons.values()];
    const most = LIMITS.policy.signalGroups;
    return {
      decisions: this.decisions,
      verbs: verbs.sort((a, b) => b.asked - a.asked || total(b) - total(a)).slice(0, most),
      reasons: reasons.sort((a, b) => b.count - a.count).slice(0, most),
      suggestions: suggestionsFor(verbs, reasons),
    };
  }

  private decision(event: Decision): void {
    this.decisions += 1;
    const { verb: name, agentClass, approvalId, reasons } = event.data;
    const verb = this.verbOf(name, agentClass);
    if (event.type === 'ActionPermitted') {
      verb.permits += 1;
      if (approvalId !== undefined) verb.overrides += 1;
      return;
    }
    if (event.type === 'ActionDenied') verb.denials += 1;
    else this.asks(verb, event);
    const decision = event.type === 'ActionDenied' ? 'deny' : 'step-up';
    const codes = leaves(reasons).filter(({ outcome }) => outcome === decision);
    for (const code of new Set(codes.map((each) => each.code ?? each.rule))) this.reason(code, agentClass, decision);
  }

  private asks(verb: Mutable<VerbSignals>, { data: { approvalId }, time }: EventOf<'ActionStepUp'>): void {
    verb.stepUps += 1;
    if (this.pending.has(approvalId) || this.pending.size >= PENDING) return; // the same request, for another attempt
    verb.asked += 1;
    this.pending.set(approvalId, { verb, at: parseTime(time) ?? 0 });
  }

  private answer({ data: { approvalId, verdict, breakGlass }, time }: EventOf<'ApprovalGiven'>): void {
    const asked = this.pending.get(approvalId);
    if (!asked) return;
    this.pending.delete(approvalId);
    const took = (parseTime(time) ?? 0) - asked.at;
    if (verdict === 'approve') asked.verb.approved += 1;
    else asked.verb.refused += 1;
    if (breakGlass) asked.verb.brokenGlass += 1;
    if (verdict === 'approve' && took <= INSTANT_MS) asked.verb.instantly += 1;
    const within = ANSWER_SECONDS.findIndex((seconds) => took <= seconds * 1_000);
    const bucket = within < 0 ? ANSWER_SECONDS.length : within;
    asked.verb.answers[bucket] = (asked.verb.answers[bucket] ?? 0) + 1;
  }

  private expired({ data: { approvalId, replacedBy } }: EventOf<'ApprovalExpired'>): void {
    const asked = this.pending.get(approvalId);
    if (!asked) return;
    this.pending.delete(approvalId);
    // a request that another one replaces is still the same question
    if (replacedBy === undefined) asked.verb.expired += 1;
    else asked.verb.asked -= 1;
  }

  private verbOf(verb: string, agentClass: string): Mutable<VerbSignals> {
    const isFull = this.verbs.size >= GROUPS;
    const [name, own] = isFull && !this.verbs.has(key(verb, agentClass)) ? [OTHERS, OTHERS] : [verb, agentClass];
    let found = this.verbs.get(key(name, own));
    if (!found) {
      found = { verb: name, agentClass: own, ...NOTHING, answers: ANSWER_SECONDS.map(() => 0).concat(0) };
      this.verbs.set(key(name, own), found);
    }
    return found;
  }

  private reason(code: string, agentClass: string, decision: ReasonSignals['decision']): void {
    const isFull = this.reasons.size >= GROUPS;
    const name = key(decision, code, agentClass);
    const own = isFull && !this.reasons.has(name) ? OTHERS : agentClass;
    const found = this.reasons.get(key(decision, code, own));
    if (found) found.count += 1;
    else this.reasons.set(key(decision, code, own), { code, agentClass: own, decision, count: 1 });
  }
}

const NOTHING = {
  permits: 0,
  denials: 0,
  stepUps: 0,
  overrides: 0,
  asked: 0,
  approved: 0,
  refused: 0,
  expired: 0,
  instantly: 0,
  brokenGlass: 0,
};
const GROUPS = 5_000;
const PENDING = 100_000;
/** No verb and no class has this name, since it contains a space. */
const OTHERS = 'all others';
const key = (...names: string[]): string => JSON.stringify(names);
const total = ({ permits, denials, stepUps }: VerbSignals): number => permits + denials + stepUps;
