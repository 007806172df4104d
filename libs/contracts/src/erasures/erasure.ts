import type { Event, EventOf } from '../events/event';
import { peopleIn } from '../revocations/stored-selector';

/**
 * Reports whether an erasure reaches the payload of an event. Only bodies are needed, so that anyone who holds the
 * events can distinguish erased payloads from missing ones. Of the events before its own mark, an erasure reaches:
 * - all events of the trees opened for this person: purposes, tasks, previews, reasons and notes of every run in them;
 * - the reasons of rules that name the person, and of earlier erasures of the person;
 * - the name of the person in every version of a tenant budget.
 * The names of approvers, revokers and erasers are in no payload, but in one record outside the log, which the erasure of
 * the person empties (`people/person-names.ts`).
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

/** Lists the refs of the persons whose erasure reaches the payload of an event. */
export function refsErasing(event: Event, principalRef: string | undefined): string[] {
  const refs: (string | undefined)[] = [event.treeId === undefined ? undefined : principalRef];
  if (event.type === 'RevocationRuleAdded') refs.push(...peopleIn(event.data.selector));
  if (event.type === 'TenantBudgetSet') refs.push(event.data.selector.principalRef);
  if (event.type === 'PayloadsErased') refs.push(event.data.subjectRef);
  return refs.filter((ref) => ref !== undefined);
}
