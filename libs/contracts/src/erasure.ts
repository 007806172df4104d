import type { Event, EventOf } from './event';

/**
 * Whether an erasure reaches what stands beside an event. Told from bodies alone, so that whoever holds the events can
 * tell what was erased from what is merely missing. It reaches, of the events before its own mark:
 * - all of the trees that were opened for this person: purposes, tasks, previews, reasons, notes, of every run in them;
 * - why rules by her name were made, and why she was erased before.
 * Who approves, revokes or erases acts by the key of a role: no name of theirs is kept, and none need be erased.
 * @param principalRef of the event's tree: `principalRef` of the opening of any run in it
 */
export function isErasedBy(
  { log, data: { subjectRef, before } }: EventOf<'PayloadsErased'>,
  event: Event,
  principalRef: string | undefined,
): boolean {
  if (event.log !== log || event.position >= before || event.payloadDigest === undefined) return false;
  return refsErasing(event, principalRef).includes(subjectRef);
}

/** Whose erasure reaches what stands beside an event. */
export function refsErasing(event: Event, principalRef: string | undefined): string[] {
  const refs: (string | undefined)[] = [event.treeId === undefined ? undefined : principalRef];
  if (event.type === 'RevocationRuleAdded') refs.push(event.data.selector.principalRef);
  if (event.type === 'PayloadsErased') refs.push(event.data.subjectRef);
  return refs.filter((ref) => ref !== undefined);
}
