import { parseEvent } from '@bailiwick/contracts/events/event';

/** Returns the canonical JSON of a bundle. @param position of the event whose parts are directly before it */
export async function bundleAt(
  at: (positions: readonly number[]) => Promise<readonly string[]>,
  position: number,
  parts: number,
): Promise<string> {
  const positions = Array.from({ length: parts }, (_, i) => position - parts + i);
  const events = (await at(positions)).map(parseEvent);
  return events.map((event) => (event.type === 'PolicyPart' ? event.data.text : '')).join('');
}
