import type { EventItem } from '@bailiwick/client/client';
import { named, refsAbout, type PersonNames } from '@bailiwick/contracts/people/person-names';
import { systemClock } from '@bailiwick/core/clock';

/** A name is read again after this time, ms: its person may have been erased. */
const FRESH_MS = 60_000;
const MOST = 1_000;

/** Names the people in events of a stream, which come without names. */
export class StreamNames {
  private readonly known = new Map<string, { readonly name: string | null | undefined; readonly at: number }>();

  /** @param read returns the names that a page with this event has: none for callers that may not see them */
  constructor(
    private readonly read: (event: EventItem) => Promise<PersonNames>,
    private readonly now = (): number => systemClock.now(),
  ) {}

  /** Returns an event with names in place of refs, as far as they can be read. */
  async named(event: EventItem): Promise<EventItem> {
    const refs = refsAbout(event);
    const at = this.now();
    const isFresh = (ref: string): boolean => at - (this.known.get(ref)?.at ?? -Infinity) < FRESH_MS;
    if (!refs.every(isFresh)) {
      const names = await this.read(event).catch((): PersonNames => ({}));
      if (this.known.size >= MOST) this.known.clear();
      for (const ref of refs) this.known.set(ref, { name: names[ref], at });
    }
    const names: Record<string, string | null> = {};
    for (const ref of refs) {
      const name = this.known.get(ref)?.name;
      if (name !== undefined) names[ref] = name;
    }
    return named(event, names);
  }
}
