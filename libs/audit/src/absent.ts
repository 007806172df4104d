import { refsErasing } from '@bailiwick/contracts/erasures/erasure';
import type { Event } from '@bailiwick/contracts/events/event';

/**
 * Tracks payloads that events name but that are missing, until an erasure is found that covers them. An erasure is
 * recorded before it is executed, so the log contains one for every payload that was erased.
 */
export class Missing {
  /** by tree: its principal */
  private readonly principals = new Map<string, string>();
  /** by principal: the positions of missing payloads that an erasure for this principal would explain */
  private readonly waiting = new Map<string, number[]>();
  private readonly unexplained = new Set<number>();

  /** Adds the next event of the log. */
  add(event: Event, payload: string | null | undefined): void {
    if (event.type === 'RunOpened' && event.treeId !== undefined)
      this.principals.set(event.treeId, event.data.principalRef);
    if (event.type === 'PayloadsErased') this.erased(event.data.subjectRef, event.data.before);
    // undefined: the source of the events contains no payloads at all
    if (payload !== null || event.payloadDigest === undefined) return;
    this.unexplained.add(event.position);
    for (const ref of refsErasing(event, this.principals.get(event.treeId ?? ''))) {
      const positions = this.waiting.get(ref);
      if (positions) positions.push(event.position);
      else this.waiting.set(ref, [event.position]);
    }
  }

  /** Records an erasure that follows the added events. */
  erased(subjectRef: string, before: number): void {
    const left: number[] = [];
    for (const position of this.waiting.get(subjectRef) ?? [])
      if (position < before) this.unexplained.delete(position);
      else left.push(position);
    this.waiting.set(subjectRef, left);
  }

  /** Lists the positions of missing payloads that no recorded erasure covers. */
  get positions(): number[] {
    return [...this.unexplained];
  }
}
