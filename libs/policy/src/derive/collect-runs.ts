import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { Words } from '@bailiwick/contracts/events/payload';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import { parseTime } from '@bailiwick/core/clock';
import type { RecordedCall, RecordedRun } from './recorded-run';

/** A lease of a collected run: its limits, as they were at last. */
export interface CollectedLease {
  readonly grantId: string;
  readonly agentClass: string;
  limits: Limits;
  readonly parentId: string | undefined;
  /** the permitted calls under it, and under the leases below it */
  readonly calls: RecordedCall[];
  /** the number of leases delegated from it */
  children: number;
}

interface Collected {
  readonly run: { id: string; agentClass: string; task: string; startedAt: number; lastAt: number };
  readonly calls: Map<string, RecordedCall>;
  ended: boolean;
  /** why the run is no evidence, if it is none */
  fault: string | undefined;
  stepUpAt: number;
}

/**
 * Collects the runs of a log from its events in their order. A run is clean if it completed; nothing in it was denied,
 * revoked or suspended; no authority was refused; and it did not drift. Calls that a person approved are evidence too:
 * the lease would have needed them.
 */
export class CollectedRuns {
  private readonly runs = new Map<string, Collected>();
  readonly leases = new Map<string, CollectedLease>();

  take(event: Event, words: Words | null): void {
    if (event.type === 'RunOpened') return this.opened(event, words);
    const found = this.runs.get(event.runId ?? '');
    if (!found) return;
    switch (event.type) {
      case 'GrantIssued':
        return this.issued(event, found);
      case 'GrantNarrowed': {
        const lease = this.leases.get(event.grantId ?? '');
        if (lease) lease.limits = event.data.limits;
        return;
      }
      case 'ActionPermitted':
        return this.permitted(event, found);
      case 'ActionCompleted':
      case 'ActionFailed':
        return settled(found, event, words);
      case 'ActionDenied':
      case 'DelegationRefused':
        return void (found.fault ??= 'something was denied');
      case 'GrantRevoked':
        return void (found.fault ??= 'it was revoked');
      case 'GrantSuspended':
        return void (found.fault ??= 'it was suspended');
      case 'DriftScored':
        if (event.data.score >= found.stepUpAt) found.fault ??= 'it drifted';
        return;
      case 'RunCompleted':
        found.ended = true;
    }
  }

  /** Returns the clean runs, and how many others there are by their reason. */
  clean(): { runs: RecordedRun[]; others: Map<string, number> } {
    const runs: RecordedRun[] = [];
    const others = new Map<string, number>();
    for (const { run, calls, ended, fault } of this.runs.values()) {
      const why = fault ?? (ended ? undefined : 'it has not completed');
      if (why !== undefined) {
        others.set(why, (others.get(why) ?? 0) + 1);
        continue;
      }
      const { id, agentClass, task, startedAt, lastAt } = run;
      runs.push({ id, agentClass, task, calls: [...calls.values()], durationMs: lastAt - startedAt });
    }
    return { runs, others };
  }

  private opened({ runId = '', data: { agent, startedAt } }: EventOf<'RunOpened'>, words: Words | null): void {
    const { task: own, purpose } = words ?? {};
    const task = typeof own === 'string' ? own : typeof purpose === 'string' ? purpose : '';
    const at = parseTime(startedAt) ?? 0;
    const run = { id: runId, agentClass: agent.class, task, startedAt: at, lastAt: at };
    this.runs.set(runId, { run, calls: new Map(), ended: false, fault: undefined, stepUpAt: 1 });
  }

  private issued({ grantId = '', data }: EventOf<'GrantIssued'>, found: Collected): void {
    const { limits, parentId } = data;
    found.stepUpAt = limits.purpose.onDrift.stepUpAt;
    const { agentClass } = found.run;
    this.leases.set(grantId, { grantId, agentClass, limits, parentId, calls: [], children: 0 });
    const parent = this.leases.get(parentId ?? '');
    if (parent) parent.children += 1;
  }

  private permitted(event: EventOf<'ActionPermitted'>, found: Collected): void {
    const { verb, effect, effects = [effect], risk, stage, resource, charge, labels } = event.data;
    const isRead = effects.every((each) => each === 'read');
    const call: RecordedCall = {
      verb,
      effects,
      risk,
      stage: stage ?? (isRead ? 'draft' : 'execute'),
      labels,
      resource: { type: resource.type, id: resource.id },
      attributes: resource.attributes ?? {},
      completed: false,
      cost: charge.cost,
      units: charge.units,
    };
    found.calls.set(event.actionId ?? '', call);
    found.run.lastAt = parseTime(event.time) ?? found.run.lastAt;
    for (let lease = this.leases.get(event.grantId ?? ''); lease; lease = this.leases.get(lease.parentId ?? ''))
      lease.calls.push(call);
  }
}

function settled(
  { calls, run }: Collected,
  { type, actionId = '', time, data }: EventOf<'ActionCompleted' | 'ActionFailed'>,
  words: Words | null,
): void {
  const call = calls.get(actionId);
  if (!call) return;
  const { preview } = words ?? {};
  run.lastAt = parseTime(time) ?? run.lastAt;
  calls.set(actionId, {
    ...call,
    completed: type === 'ActionCompleted',
    result: typeof preview === 'string' ? preview : undefined,
    cost: data.charge.cost,
    units: data.charge.units,
  });
}
