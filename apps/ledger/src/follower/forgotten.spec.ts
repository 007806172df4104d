import fc from 'fast-check';
import { act, REF, ROOMY } from '@bailiwick/authority/testing/harness';
import { emptyState } from '@bailiwick/authority/state/state';
import type { Answer } from '@bailiwick/contracts/command';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { moves, play } from '@bailiwick/receipts/testing/random-log';
import { SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import type { LogLedger } from './log-ledger';
import type { Replays } from '../replay/replays';
import { Bench, LOG } from '../testing/bench';
import { forgetTree } from '@bailiwick/authority/testing/forget';
import { questionsAbout, questionsAboutNothing, type Question } from '../testing/questions';

fc.configureGlobal({ seed: 20261122 });

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.reset());

/** What was asked of the what-ifs is all that they tell. */
const replays = { start: (_tenant: string, what: unknown) => JSON.stringify(what) } as unknown as Replays;

function ask(ledger: LogLedger, [name, request]: Question): Promise<Answer> {
  return bench.ask(ledger, name, request, { replays });
}

/** By question: the answer, or the refusal. */
async function answers(ledger: LogLedger, questions: readonly Question[]): Promise<Record<string, unknown>> {
  const told: Record<string, unknown> = {};
  for (const question of questions)
    told[JSON.stringify(question)] = JSON.parse(JSON.stringify(await ask(ledger, question))) as unknown;
  return told;
}

/** One by one: all of them at once are more than can be shown where they differ. */
async function expectSame(
  ledger: LogLedger,
  questions: readonly Question[],
  before: Record<string, unknown>,
): Promise<void> {
  for (const [question, answer] of Object.entries(await answers(ledger, questions)))
    expect([question, answer]).toEqual([question, before[question]]);
}

/** As far on that everything in it has expired. */
function endAll(log: SealedLog): void {
  log.now += 40 * 86_400_000;
  log.tickAll();
}

/** Much has happened in trees that have ended, one of them with a call that was under way; another tree is open. */
function endedLog(): SealedLog {
  const { log } = busyRun();
  endAll(log);
  const late = log.open(ROOMY, {
    principalRef: `ref_${'2'.repeat(26)}`,
    agent: { class: 'late', instance: 'l-1', posture: { modelVersion: 'm-2' } },
  });
  const child = log.child(late.grantId);
  const { actionId } = act(log, child.grantId, 'file.write', { cost: { USD: 7 } });
  log.do('completeRun', { runId: child.runId });
  log.do('completeRun', { runId: late.runId });
  log.do('settle', { actionId: actionId as string, outcome: { status: 'completed', cost: { USD: 5 } } });
  act(log, log.open().grantId, 'file.read');
  return log;
}

async function fed(log: SealedLog): Promise<LogLedger> {
  const ledger = bench.start();
  await bench.feed(ledger, log);
  await ledger.sign();
  return ledger;
}

/** @returns how many trees the ledger knows no more */
function forgetEnded(ledger: LogLedger): number {
  const { state } = ledger;
  const open = [...state.runs.values()].filter(({ status }) => ['pending', 'active', 'suspended'].includes(status));
  const ended = [...state.trees.keys()].filter((treeId) => !open.some((run) => run.treeId === treeId));
  for (const treeId of ended) forgetTree(state, treeId);
  return ended.length;
}

const grantsOf = async (ledger: LogLedger): Promise<unknown> => {
  const answer = await ask(ledger, ['grants', { tenant: 'default', limit: 1_000 }]);
  return answer.ok ? (answer.value as { items: unknown[] }).items : answer;
};

describe('a ledger whose state has forgotten the trees that ended', () => {
  it('answers everything as before', async () => {
    const log = endedLog();
    const ledger = await fed(log);
    const questions = questionsAbout(log);
    const before = await answers(ledger, questions);
    expect(Object.values(before).filter((each) => (each as Answer).ok).length).toBeGreaterThan(200);
    expect(forgetEnded(ledger)).toBe(3);
    expect(ledger.state.runs.size).toBe(1);
    await expectSame(ledger, questions, before);
    expect(bench.warnings).toEqual([]);
  }, 60_000);

  it('answers everything as before, of anything that can happen', async () => {
    await fc.assert(
      fc.asyncProperty(moves(40), async (all) => {
        const log = new SealedLog();
        for (const move of all) play(log, move);
        endAll(log);
        await bench.reset();
        const ledger = await fed(log);
        const questions = questionsAbout(log);
        const before = await answers(ledger, questions);
        expect(forgetEnded(ledger)).toBe(log.state.trees.size);
        await expectSame(ledger, questions, before);
      }),
      { numRuns: 5 },
    );
  }, 120_000);

  it('still knows what there never was', async () => {
    const ledger = await fed(endedLog());
    const before = await answers(ledger, questionsAboutNothing);
    expect(Object.values(before).filter((each) => JSON.stringify(each).includes('"NOT_FOUND"'))).toHaveLength(8);
    forgetEnded(ledger);
    expect(await answers(ledger, questionsAboutNothing)).toEqual(before);
  });

  it('tells the counts of a grant that ended as its last call left them', async () => {
    const log = endedLog();
    const ledger = await fed(log);
    forgetEnded(ledger);
    const spent = ((await grantsOf(ledger)) as { consumed: { cost: object }; reserved: { cost: object } }[])
      .filter(({ consumed }) => 'USD' in consumed.cost && consumed.cost.USD === 5)
      .map(({ reserved }) => reserved.cost);
    expect(spent).toEqual([{}, {}]); // the run that made the call, and the one above it
  });

  it('changes no row of theirs by a revocation that comes later', async () => {
    const log = endedLog();
    const before = log.events.length;
    const ledger = await fed(log);
    expect(forgetEnded(ledger)).toBe(3);
    log.strike({ purposeRef: REF }); // it selects all of them, and stops the one that is open
    expect(log.events.length).toBeGreaterThan(before);
    await bench.feed(ledger, log);
    const rows = await bench.rows();
    await bench.reset();
    await fed(log);
    expect(await bench.rows()).toEqual(rows);
  });
});

describe('a ledger whose state is being folded anew', () => {
  const refused = (code: string): object => ({ ok: false, refusal: { code, detail: expect.any(String) as string } });
  const isNotReady = (answer: unknown): boolean => JSON.stringify(answer).includes('"NOT_READY"');

  it('says of nothing that there is none', async () => {
    const log = endedLog();
    const ledger = await fed(log);
    const questions = questionsAbout(log);
    const before = await answers(ledger, questions);
    ledger.state = emptyState(LOG, 'default', 0);
    const now = await answers(ledger, questions);
    const notReady = refused('NOT_READY');
    for (const [question, answer] of Object.entries(now))
      expect([question, answer]).toEqual([question, isNotReady(answer) ? notReady : before[question]]);
    expect(Object.values(now).filter(isNotReady).length).toBeGreaterThan(200);
    const { revocationId } = log.last('RevocationRuleAdded').data;
    expect(await ask(ledger, ['revocation', { tenant: 'default', id: revocationId }])).toEqual(notReady);
  }, 60_000);
});
