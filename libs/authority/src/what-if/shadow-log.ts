import type { Event } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { NewEvent } from '../commands/types';
import { evolveUnasked } from '../events/evolve';
import type { LogState } from '../state/state';
import { targetExists } from './recorded';
import type { Tally } from './tally';

/**
 * The state of a shadow, with the leases and runs that differ from the recorded ones. Folding into it is its only way to
 * change, except for the change of grants at the start.
 */
export class ShadowLog {
  /** grant → its recorded limits, if they differ here */
  readonly recorded = new Map<string, Limits>();
  /** a lease that was not raised here → the lease that is still current */
  readonly notRaised = new Map<string, string>();
  /** missing runs, and why they are missing */
  readonly gone = new Map<string, string>();

  constructor(
    readonly state: LogState,
    readonly tally: Tally,
  ) {}

  /** Reports whether the target of a recorded event exists here. */
  hasTarget(event: Event): boolean {
    const { grantId } = this.here(event);
    return targetExists(this.state, event, grantId === undefined ? undefined : this.state.grants.get(grantId));
  }

  /** Folds an event unchanged if its target exists, and reports whether it does. */
  asRecorded(event: Event): boolean {
    if (!this.hasTarget(event)) return false;
    this.fold(this.here(event));
    return true;
  }

  /** Returns a recorded event with the lease that is current here. */
  here(event: Event): Event {
    return { ...event, grantId: event.grantId === undefined ? undefined : this.currentLease(event.grantId) };
  }

  /** Returns the current lease that corresponds to a recorded one. */
  currentLease(grantId: string): string {
    return this.notRaised.get(grantId) ?? grantId;
  }

  whyGone(runId: string | undefined, parentId?: string): string {
    const known = runId === undefined ? undefined : this.gone.get(runId);
    if (known !== undefined) return known;
    return parentId === undefined
      ? 'its lease, or one above it, would not exist'
      : `its parent ${parentId}, or a lease above it, would not exist`;
  }

  fold(event: Event): void {
    this.state.next = event.position; // omitted events leave gaps
    evolveUnasked(this.state, event);
  }

  /** Folds the events that follow here from a recorded one. */
  foldAll(like: Event, fresh: readonly NewEvent[]): void {
    const { log, position, id, time, tenant, actor, commandId } = like;
    for (const { payload: _, ...event } of fresh)
      this.fold({ log, position, id, time, tenant, actor, commandId, ...event });
  }

  /** Counts a difference about a grant. */
  ofGrant(
    { position, time, treeId, runId }: Event,
    grantId: string | undefined,
    agentClass: string,
    kind: string,
    why: string,
  ): void {
    this.tally.add({ about: 'grant', position, time, treeId, runId, grantId, agentClass, kind, why });
  }
}
