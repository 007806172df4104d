import fc from 'fast-check';
import { MemoryEventLog } from '@bailiwick/event-store/memory';
import { readStored } from '@bailiwick/contracts/events/payload';
import type { Filter } from '@bailiwick/contracts/queries/search';
import { busyRun, type Busy } from '@bailiwick/receipts/testing/busy-run';
import { eventMatcher } from './filter';
import { positionAt, scan } from './scan';

fc.configureGlobal({ seed: 20261121 });

let busy: Busy;
const eventlog = new MemoryEventLog();
const LOG = 'default/0';
beforeAll(async () => {
  busy = busyRun();
  await eventlog.createLog(LOG);
  const stored = busy.log.stored().map((each, i) => {
    const { tenant, treeId, runId, grantId, actionId, commandId } = busy.log.events[i]!;
    return { ...each, payload: each.payload ?? undefined, tenant, treeId, runId, grantId, actionId, commandId };
  });
  expect((await eventlog.append(LOG, 0, stored)).ok).toBe(true);
});

type Asked = Partial<Filter<'events'>>;
/** Filters; all but the last match some event. */
const questions = (): Asked[] => [
  {},
  { runId: busy.runId },
  { grantId: busy.grantId, verb: 'file.read' },
  { treeId: busy.log.events[0]!.treeId, effect: 'write' },
  { agentClass: 'repo-agent', agentInstance: 'r-7' },
  { modelVersion: 'm-1' },
  { q: 'Sort FILES' },
  { q: 'more' },
  { code: 'LOOKED' },
  { actorKind: 'person' },
  { resourceType: 'thing', resource: 't-1' },
  { label: 'untrusted' },
  { verb: 'never.requested' },
];

async function pages(asked: Asked, limit: number, bounds: { events: number; positions: number }): Promise<number[]> {
  const seen: number[] = [];
  for (let after: number | undefined = -1; after !== undefined;) {
    const page: Awaited<ReturnType<typeof scan>> = await scan(
      { eventlog, store: { places: () => Promise.resolve([]), position: () => Promise.resolve(Infinity) } },
      busy.log.state,
      { ...asked, tenant: 'default', after, limit },
      bounds,
    );
    expect(page.items.length).toBeLessThanOrEqual(limit);
    if (page.next !== undefined) expect(page.next).toBeGreaterThan(after);
    seen.push(...page.items.map(({ stored }) => stored.position));
    after = page.next;
  }
  return seen;
}

describe('scan', () => {
  it('returns each matching event once and in order, for any page size and any bound on what a request reads', async () => {
    const all = busy.log.stored().map((stored) => ({ stored, ...readStored(stored) }));
    const some = new Set<number>();
    await fc.assert(
      fc.asyncProperty(
        fc.nat(questions().length - 1),
        fc.integer({ min: 1, max: 30 }),
        fc.integer({ min: 1, max: 50 }),
        fc.integer({ min: 1, max: 50 }),
        async (which, limit, events, positions) => {
          const asked = questions()[which]!;
          const matches = eventMatcher(asked, (runId) => busy.log.state.runs.get(runId));
          const wanted = all.filter(({ event, payload }) => matches?.(event, payload) ?? true);
          if (wanted.length > 0) some.add(which);
          expect(await pages(asked, limit, { events, positions })).toEqual(wanted.map(({ stored }) => stored.position));
        },
      ),
      { numRuns: 150 },
    );
    expect(some.size).toBe(questions().length - 1); // all but the last
  });

  it('returns the events from one time up to another', async () => {
    const times = busy.log.events.map(({ time }) => time);
    for (const time of ['2000-01-01T00:00:00Z', ...times, '2100-01-01T00:00:00Z']) {
      const first = times.findIndex((each) => each >= new Date(time).toISOString());
      expect(await positionAt(eventlog, LOG, time, times.length, -1)).toBe(first < 0 ? times.length : first);
    }
    const [from, to] = [times[10], times[40]];
    const wanted = times.flatMap((time, i) => (time >= from! && time < to! ? [i] : []));
    expect(wanted.length).toBeGreaterThan(5);
    expect(await pages({ from, to }, 7, { events: 9, positions: 11 })).toEqual(wanted);
  });
});
