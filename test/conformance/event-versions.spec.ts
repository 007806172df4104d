import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { FOLD_VERSION, fromSnapshotParts, toParts } from '@bailiwick/authority/state/snapshot';
import { EVENT_DATA, parseEvent } from '@bailiwick/contracts/events/event';
import { readStored } from '@bailiwick/contracts/events/payload';
import { ledTo, NO_RULES, shapes, type Pinned, type PinnedSnapshot } from '../fixtures/events/pinned';

/** Checks that the events of every release are still read as they were then. */
const DIR = join(__dirname, '..', 'fixtures', 'events');
const RELEASES = readdirSync(DIR).filter((name) => /^v\d+$/.test(name));
/** Their pinned states keep nothing for rules over sequences. */
const WITHOUT_RULES: ReadonlySet<string> = new Set(['v1', 'v2', 'v3']);
const lines = (release: string, file: string): string[] =>
  readFileSync(join(DIR, release, file), 'utf8')
    .trimEnd()
    .split('\n');
const pinnedBy = (release: string): Pinned[] =>
  lines(release, 'events.ndjson').map((line) => JSON.parse(line) as Pinned);
const shapesOf = (release: string): { state: string; shapes: Record<string, string> } =>
  JSON.parse(lines(release, 'shapes.json').join('\n')) as { state: string; shapes: Record<string, string> };

describe.each(RELEASES)('the events of release %s', (release) => {
  const pinned = pinnedBy(release);

  it('are all read, with their payloads', () => {
    expect(pinned.map(({ body }) => parseEvent(body).position)).toEqual(pinned.map((_, i) => i));
    for (const { body, payload } of pinned.filter((each) => each.payload !== null))
      expect(readStored({ body, payload }).payload).not.toBeNull();
  });

  it('fold to the pinned state and read models', () => {
    const { state, rows } = ledTo(pinned, WITHOUT_RULES.has(release) ? NO_RULES : undefined);
    expect(rows).toEqual(lines(release, 'rows.ndjson'));
    expect(state).toBe(shapesOf(release).state);
  });
});

describe('a stored snapshot of this fold version', () => {
  const newest = [...RELEASES].reverse().find((release) => existsSync(join(DIR, release, 'snapshot.json')));

  it('is read as its state, and written with the same parts', () => {
    // a snapshot of another fold version is ignored: a changed fold version needs `npm run pin-events`
    const { foldVersion, parts } = JSON.parse(lines(newest ?? '', 'snapshot.json').join('')) as PinnedSnapshot;
    expect(foldVersion).toBe(FOLD_VERSION);
    const state = fromSnapshotParts(parts);
    expect(stateDigest(state)).toBe(shapesOf(newest ?? '').state);
    expect([...toParts(state)]).toEqual(parts);
  });
});

describe('the current shapes', () => {
  const released = RELEASES.map(shapesOf);

  it('were released: a changed shape needs a new version, an upcaster, and `npm run pin-events`', () => {
    for (const [name, shape] of Object.entries(shapes())) {
      const known = released.flatMap(({ shapes: each }) => each[name] ?? []);
      expect([name, known.length === 0 ? 'is not pinned' : known.at(-1)]).toEqual([name, shape]);
    }
  });

  it('have pinned events of every type', () => {
    const types = RELEASES.flatMap(pinnedBy).map(({ body }) => parseEvent(body).type);
    expect([...new Set(types)].sort()).toEqual(Object.keys(EVENT_DATA).sort());
  });
});
