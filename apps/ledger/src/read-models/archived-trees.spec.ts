import fc from 'fast-check';
import { endedTrees, forgetTree } from '@bailiwick/authority/testing/forget';
import type { LogState } from '@bailiwick/authority/state/state';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { moves, play } from '@bailiwick/receipts/testing/random-log';
import { ANN, SealedLog, words } from '@bailiwick/receipts/testing/sealed-log';
import type { LogLedger } from '../follower/log-ledger';
import type { Kind } from '../search/find-by-id';
import { Bench } from '../testing/bench';

let bench: Bench;
beforeAll(async () => void (bench = await Bench.open()), 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.reset());

/** Returns the answer as it arrives over the bus. */
async function archived(ledger: LogLedger, request: object): Promise<Answer> {
  const answer = await bench.ask(ledger, 'ended', { tenant: 'default', ...request });
  return JSON.parse(JSON.stringify(answer)) as Answer;
}

const NOT_FOUND = { ok: false, refusal: { code: 'NOT_FOUND' } };
const UNKNOWN = '0'.repeat(26);

/** Returns the ids of everything in some trees. */
function idsIn(state: LogState, trees: readonly string[]): { kind: Kind; id: string }[] {
  const { runs, grants, approvals } = state;
  const maps: [Kind, Map<string, { readonly treeId: string }>][] = [
    ['run', runs],
    ['grant', grants],
    ['approval', approvals],
  ];
  const within = maps.flatMap(([kind, map]) =>
    [...map].filter(([, { treeId }]) => trees.includes(treeId)).map(([id]) => ({ kind, id })),
  );
  return [...within, ...trees.map((id) => ({ kind: 'tree' as const, id }))];
}

/** Returns a log with an archived tree that contains a subject of every kind, and an open tree. */
function story(): { log: SealedLog; treeId: string } {
  const log = new SealedLog();
  const { runId, grantId, treeId } = log.open();
  log.child(grantId);
  log.do('escalate', { runId, want: { budget: { calls: 200 } }, payload: words({ reason: 'there is more to count' }) });
  const { approvalId } = log.last('ApprovalRequested').data;
  log.do('decideApproval', { approvalId, verdict: 'deny', actor: ANN, payload: words({ note: 'not today' }) });
  log.do('completeRun', { runId });
  log.now += 86_400_000;
  log.tickAll();
  log.open(); // another tree stays open
  return { log, treeId };
}

describe('subjects that the state no longer contains', () => {
  const logs = fc.sample(moves(90), { seed: 4_171, numRuns: 6 }).map((all) => {
    const log = new SealedLog();
    for (const [i, move] of all.entries()) {
      play(log, move);
      if (i === all.length >> 1) log.strike({ agentClass: 'worker' }); // belongs to no tree and affects all
    }
    log.now += 86_400_000;
    log.tickAll();
    log.open();
    return log;
  });

  it.each(logs.map((log, i) => [i, log] as const))('have the same views as before, random log %i', async (_i, log) => {
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const trees = endedTrees(ledger.state);
    const ids = idsIn(ledger.state, trees);
    expect(ids.length).toBeGreaterThan(5);
    const before: Answer[] = [];
    for (const request of ids) before.push(await archived(ledger, request));
    for (const id of trees) forgetTree(ledger.state, id);
    for (const [i, request] of ids.entries()) {
      expect(before[i]).toMatchObject({ ok: true, value: { id: request.id } });
      expect(await archived(ledger, request)).toEqual(before[i]);
    }
    expect(ledger.state.runs.size).toBe(1); // the requests did not add them to the state
  });
});

describe('ArchivedTrees', () => {
  let ledger: LogLedger;
  let ids: { kind: Kind; id: string }[];
  beforeEach(async () => {
    const { log, treeId } = story();
    ledger = bench.start();
    await bench.feed(ledger, log);
    ids = idsIn(ledger.state, [treeId]);
    expect([...new Set(ids.map(({ kind }) => kind))]).toEqual(['run', 'grant', 'approval', 'tree']);
    forgetTree(ledger.state, treeId);
  });

  it('includes the payloads that are not erased, and no others', async () => {
    const views = async (): Promise<string> =>
      JSON.stringify(await Promise.all(ids.map((request) => archived(ledger, request))));
    const texts = ['Tidy the repository', 'ann@example.com', 'Count the files', 'there is more to count', 'not today'];
    const before = await views();
    expect(texts.filter((text) => before.includes(text))).toEqual(texts);
    const { eventlog } = bench;
    const at = eventlog.at.bind(eventlog);
    jest
      .spyOn(eventlog, 'at')
      .mockImplementation(async (...of) => (await at(...of)).map((event) => ({ ...event, payload: null })));
    const after = await views();
    expect(texts.filter((text) => after.includes(text))).toEqual([]);
  });

  it('does not find subjects of another tenant (I9)', async () => {
    for (const request of ids) {
      expect(await archived(ledger, { ...request, tenant: 'other' })).toMatchObject(NOT_FOUND);
      expect(await archived(ledger, { ...request, id: request.id.replace('_0_', '_1_') })).toMatchObject(NOT_FOUND);
    }
  });

  it('does not find ids that never existed', async () => {
    for (const { kind, id } of ids)
      expect(await archived(ledger, { kind, id: `${id.slice(0, 6)}${UNKNOWN}` })).toMatchObject(NOT_FOUND);
  });

  it.each([{ kind: 'grant' }, { kind: 'action' }, { more: 1 }, { kind: undefined }])(
    'requires exactly a kind and its id: refuses %j',
    async (wrong) => {
      const [request] = ids;
      expect(await archived(ledger, { ...request, ...wrong })).toMatchObject({ refusal: { code: 'BAD_REQUEST' } });
    },
  );

  it('neither returns nor denies a subject while the ledger is behind the log (I11)', async () => {
    const late = bench.make(); // it does not follow the log
    for (const request of ids)
      expect(await archived(late, request)).toMatchObject({ ok: false, refusal: { code: 'NOT_READY' } });
  });
});
