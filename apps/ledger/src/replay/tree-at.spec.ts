import fc from 'fast-check';
import { evolve } from '@bailiwick/authority/events/evolve';
import { emptyState } from '@bailiwick/authority/state/state';
import { grantView, runView } from '@bailiwick/authority/presentation/views';
import type { TreeView } from '@bailiwick/contracts/queries/query';
import { parseTime, rfc3339 } from '@bailiwick/core/clock';
import { moves, play } from '@bailiwick/receipts/testing/random-log';
import { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { Bench, LOG } from '../testing/bench';

let bench: Bench;
beforeAll(async () => void (bench = await Bench.open()));
afterAll(() => bench.close());
beforeEach(() => bench.reset());

const [seeds, runs] = [4_114, 4];
const logs = fc.sample(moves(90), { seed: seeds, numRuns: runs }).map((list) => {
  const log = new SealedLog();
  for (const [i, move] of list.entries()) {
    play(log, move);
    // belongs to no tree and affects all
    if (i === list.length >> 1) log.strike({ agentClass: 'worker' });
  }
  return log;
});

/** Computes the view of a tree at a position from a fold of the whole log. */
function expected(log: SealedLog, treeId: string, position: number, now: number): unknown {
  const state = emptyState(LOG, 'default', 0);
  for (const event of log.events.slice(0, position + 1)) evolve(state, event);
  const tree = state.trees.get(treeId);
  if (!tree) return undefined;
  const { runs: all, grants } = tree;
  return JSON.parse(
    JSON.stringify({
      position,
      grants: grants.map((grant) => grantView(state, grant, now)),
      runs: all.map((run) => runView(state, run, { purpose: null, requestedBy: null }, now)),
      labels: Object.keys(tree.labels),
    }),
  ) as unknown;
}

/** Removes the texts of the runs. */
const bare = ({ position, grants, runs: all, labels }: TreeView): unknown => ({
  position,
  grants,
  runs: all.map(({ task: _, requestedByStatedBy: __, ...run }) => ({ ...run, purpose: null, requestedBy: null })),
  labels,
});

it.each(logs.map((log, i) => [i, log] as const))(
  'TreeAtService returns a tree at any position and time, random log %i',
  async (_i, log) => {
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const ask = async (treeId: string, at: string): Promise<unknown> => {
      const answer = await bench.ask(ledger, 'tree-at', { tenant: 'default', treeId, at });
      return answer.ok ? bare(JSON.parse(JSON.stringify(answer.value)) as TreeView) : undefined;
    };
    for (const treeId of log.state.trees.keys()) {
      for (let position = 0; position < log.events.length; position += 7) {
        const time = parseTime(log.events[position]?.time ?? '') as number;
        expect(await ask(treeId, String(position))).toEqual(expected(log, treeId, position, time));
        // between two events only time passes: leases may have expired since the last event
        const [between, last] = [time + 1, log.events.findLastIndex((each) => (parseTime(each.time) ?? 0) <= time + 1)];
        expect(await ask(treeId, rfc3339(between))).toEqual(expected(log, treeId, last, between));
      }
    }
  },
);
