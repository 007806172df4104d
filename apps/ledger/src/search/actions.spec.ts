import { act, delegateTestRun, openTestRun, TestLog } from '@bailiwick/authority/testing/harness';
import { MemoryEventLog } from '@bailiwick/event-store/memory';
import { actionsOf } from './actions';
import type { LogState } from '@bailiwick/authority/state/state';
import type { Filter } from '@bailiwick/contracts/queries/search';
import type { Bounds } from './scan';

const eventlog = new MemoryEventLog();
const from = { eventlog, store: { places: () => Promise.resolve([]), position: () => Promise.resolve(Infinity) } };
const LOGS = ['default/0', 'default/1'];
/** the run and tree of a worker, and the run of the helper that it delegated to, for each log */
const runs: { runId: string; treeId: string; helperId: string }[] = [];
const states: LogState[] = [];
/** the requested actions, in order */
const done: { log: string; verb: string; by: 'worker' | 'helper' }[] = [];

beforeAll(async () => {
  for (const [n, log] of LOGS.entries()) {
    const test = new TestLog(undefined, { log, tenant: 'default', n });
    states.push(test.state);
    const { grantId, runId, treeId } = openTestRun(test);
    const helper = delegateTestRun(test, grantId, { actions: { allow: ['file.*'] } });
    runs.push({ runId, treeId, helperId: helper.runId });
    for (let i = 0; i < 20; i++) {
      const by = i % 10 === 9 ? 'helper' : 'worker';
      const verb = i % 5 === 4 ? 'net.send' : `file.read_${i}`;
      act(test, by === 'helper' ? helper.grantId : grantId, verb);
      done.push({ log, verb, by });
    }
    const events = test.events.map((event) => ({ ...event, body: JSON.stringify(event), payload: undefined }));
    await eventlog.createLog(log);
    expect((await eventlog.append(log, 0, events)).ok).toBe(true);
  }
});

/** Reads all pages of one log: the verbs on them, and the number of pages. */
async function pages(
  filter: Partial<Filter<'actions'>> & { limit?: number; tenant?: string },
  n = 0,
  bounds?: Bounds,
): Promise<{ verbs: string[]; pages: number }> {
  const verbs: string[] = [];
  for (let count = 1, after = -1; ; count++) {
    const page = await actionsOf(from, states[n]!, { tenant: 'default', limit: 7, ...filter, after }, bounds);
    expect(page.items.length).toBeLessThanOrEqual(filter.limit ?? 7);
    verbs.push(...page.items.map(({ verb }) => verb));
    if (page.next === undefined) return { verbs, pages: count };
    expect(page.next).toBeGreaterThan(after);
    after = page.next;
    expect(count).toBeLessThan(100);
  }
}
/** Returns the verbs of the actions in the first log. */
const verbs = (of: (each: (typeof done)[number]) => boolean): string[] =>
  done.filter((each) => each.log === LOGS[0] && of(each)).map(({ verb }) => verb);

describe('actionsOf', () => {
  it('returns each action once, in order and page by page, and stops after the last page', async () => {
    expect(await pages({})).toEqual({ verbs: verbs(() => true), pages: 3 });
    expect(await pages({ limit: 10 })).toEqual({ verbs: verbs(() => true), pages: 2 });
    expect(await pages({ limit: 20 })).toEqual({ verbs: verbs(() => true), pages: 1 });
  });

  it('filters by run, tree, decision and tenant', async () => {
    const [first, second] = runs;
    const helpers = verbs(({ by }) => by === 'helper');
    expect((await pages({ runId: first?.helperId })).verbs).toEqual(helpers);
    expect((await pages({ runId: second?.helperId }, 1)).verbs).toEqual(helpers);
    expect((await pages({ runId: second?.helperId })).verbs).toEqual([]);
    expect((await pages({ treeId: first?.treeId })).verbs).toEqual(verbs(() => true));
    const denied = verbs(({ verb, by }) => by === 'helper' && verb === 'net.send');
    expect(denied.length).toBeGreaterThan(0);
    expect((await pages({ status: 'denied' })).verbs).toEqual(denied);
    expect((await pages({ status: 'permitted' })).verbs.length).toBe(verbs(() => true).length - denied.length);
    expect(await pages({ status: 'completed' })).toEqual({ verbs: [], pages: 1 });
    expect((await pages({ tenant: 'other' })).verbs).toEqual([]);
  });

  it('filters by agent class and reads a bounded number of events per page', async () => {
    const helpers = verbs(({ by }) => by === 'helper');
    expect(await pages({ agentClass: 'helper' })).toEqual({ verbs: helpers, pages: 1 });
    expect(await pages({ agentClass: 'helper', limit: 1 })).toEqual({ verbs: helpers, pages: helpers.length });
    const few = { positions: 1_000, events: 4 };
    const bounded = await pages({ agentClass: 'helper' }, 0, few);
    expect(bounded.verbs).toEqual(helpers);
    expect(bounded.pages).toBeGreaterThan(4);
    expect(await pages({ agentClass: 'unknown' })).toEqual({ verbs: [], pages: 1 });
    const passed = await pages({ status: 'denied' }, 0, { positions: 5, events: 1_000 });
    expect(passed.verbs).toEqual(verbs(({ verb, by }) => by === 'helper' && verb === 'net.send'));
    expect(passed.pages).toBeGreaterThan(4);
  });
});
