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
  if (event.treeId !== undefined && principalRef === subjectRef) return true;
  if (event.type === 'RevocationRuleAdded') return event.data.selector.principalRef === subjectRef;
  return event.type === 'PayloadsErased' && event.data.subjectRef === subjectRef;
}
