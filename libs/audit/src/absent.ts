import { refsErasing } from '@bailiwick/contracts/erasure';
import type { Event } from '@bailiwick/contracts/event';

/**
 * Payloads that events name and that are not there, until an erasure is found that reaches them. It is recorded before
 * it is carried out, so every gap that an erasure made has one behind it in the log.
 */
export class Missing {
  /** by tree: whose it is */
  private readonly principals = new Map<string, string>();
  /** by person: the positions without a payload that an erasure of theirs would explain */
  private readonly waiting = new Map<string, number[]>();
  private readonly unexplained = new Set<number>();

  /** Takes the events in their order. */
  add(event: Event, payload: string | null | undefined): void {
    if (event.type === 'RunOpened' && event.treeId !== undefined)
      this.principals.set(event.treeId, event.data.principalRef);
    if (event.type === 'PayloadsErased') this.erased(event.data.subjectRef, event.data.before);
    // left out altogether: whoever wrote the events out shows no payloads
    if (payload !== null || event.payloadDigest === undefined) return;
    this.unexplained.add(event.position);
    for (const ref of refsErasing(event, this.principals.get(event.treeId ?? ''))) {
      const positions = this.waiting.get(ref);
      if (positions) positions.push(event.position);
      else this.waiting.set(ref, [event.position]);
    }
  }

  /** An erasure that follows the events that were added. */
  erased(subjectRef: string, before: number): void {
    const left: number[] = [];
    for (const position of this.waiting.get(subjectRef) ?? [])
      if (position < before) this.unexplained.delete(position);
      else left.push(position);
    this.waiting.set(subjectRef, left);
  }

  /** Positions whose payload is gone, and no recorded erasure reaches them. */
  get positions(): number[] {
    return [...this.unexplained];
  }
}
