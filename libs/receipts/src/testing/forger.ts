import { act, only, ROOMY } from '@bailiwick/authority/testing/harness';
import type { Event, EventOf, EventType } from '@bailiwick/contracts/events/event';
import { statedVersion } from '@bailiwick/contracts/events/upcast';
import { custodyOf } from '../custody';
import { readStory } from '../story';
import { ARGS } from './busy-run';
import { ANN, SealedLog, words } from './sealed-log';

/** Builds a log with an approved root lease and a child whose one call needs approval, is approved and completes. */
export function approved(): {
  log: SealedLog;
  actionId: string;
  root: string;
  child: { runId: string; grantId: string };
} {
  const log = new SealedLog();
  log.open(ROOMY, { requireApproval: true });
  const given = log.do('decideApproval', {
    approvalId: log.last('ApprovalRequested').data.approvalId,
    verdict: 'approve',
    actor: ANN,
  });
  const root = only(given, 'GrantIssued').grantId as string;
  const child = log.child(root);
  const call = { action: { verb: 'thing.delete', argsDigest: ARGS }, cost: { USD: 3 } };
  act(log, child.grantId, 'thing.delete', call);
  const { approvalId } = log.last('ApprovalRequested').data;
  log.do('decideApproval', { approvalId, verdict: 'approve', actor: ANN, payload: words({ note: 'this one' }) });
  const { actionId } = act(log, child.grantId, 'thing.delete', { ...call, approvalId });
  log.do('settle', { actionId: actionId as string, outcome: { status: 'completed' } });
  return { log, actionId: actionId as string, root, child };
}

/** Forges the events of `approved`. Positions are assigned afterwards. */
export class Forger {
  readonly events: Event[];
  private readonly made = approved();
  readonly actionId = this.made.actionId;
  readonly root = this.made.root;
  readonly child = this.made.child;

  constructor() {
    this.events = structuredClone(this.made.log.events);
  }

  /** The n-th event of a type; the last with -1. */
  the<T extends EventType>(type: T, n = -1): EventOf<T> {
    const found = this.events.filter((event) => event.type === type).at(n);
    if (!found) throw new Error(`no ${type}`);
    return found as EventOf<T>;
  }

  drop(event: Event): void {
    this.events.splice(this.events.indexOf(event), 1);
  }

  before(event: Event, ...more: Event[]): void {
    this.events.splice(this.events.indexOf(event), 0, ...more);
  }

  move(event: Event, before: Event | undefined): void {
    this.drop(event);
    if (before) this.before(before, event);
    else this.events.push(event);
  }

  copy<T extends Event>(event: T, over: object = {}): T {
    return { ...structuredClone(event), ...over };
  }

  /** Makes an event about a grant that never occurred. */
  about(grantId: string, type: EventType, data: object): Event {
    const issued = this.events.find((event) => event.type === 'GrantIssued' && event.grantId === grantId) as Event;
    return { ...issued, v: statedVersion(type), type, data: { reason: { code: 'FORGED' }, ...data } } as Event;
  }

  custody(): ReturnType<typeof custodyOf> {
    const entries = this.events.map((event, position) => ({ event: { ...event, position }, payload: null }));
    return custodyOf(this.actionId, readStory(entries));
  }
}

export const rule = (of: Forger, selector: object, more: object = {}): Event =>
  of.about(of.root, 'RevocationRuleAdded', { revocationId: 'rev_0_forged', selector, quarantine: false, ...more });

/** Raises the child's lease after the given event; the permit is under the raised lease. */
export function raise(of: Forger, first: Event): void {
  const old = of.the('GrantIssued');
  const raised = of.copy(old, { grantId: 'grt_0_raised', data: { ...old.data, supersedes: old.grantId } });
  const by = of.about(of.child.grantId, 'GrantSuperseded', { by: 'grt_0_raised', approvalId: 'apr_0_x' });
  of.before(of.the('ActionPermitted'), first, raised, by);
  of.the('ActionPermitted').grantId = 'grt_0_raised';
}
