import fc from 'fast-check';
import { act, REF, ROOMY } from '@bailiwick/authority/testing/harness';
import { emptyState } from '@bailiwick/authority/state/state';
import type { Answer } from '@bailiwick/contracts/commands/command';
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

/** Returns the request of a what-if as its id. */
const replays = { start: (_tenant: string, what: unknown) => JSON.stringify(what) } as unknown as Replays;

function ask(ledger: LogLedger, [name, request]: Question): Promise<Answer> {
  return bench.ask(ledger, name, request, { replays });
}

/** Returns the answer or the refusal to each question. */
async function answers(ledger: LogLedger, questions: readonly Question[]): Promise<Record<string, unknown>> {
  const all: Record<string, unknown> = {};
  for (const question of questions)
    all[JSON.stringify(question)] = JSON.parse(JSON.stringify(await ask(ledger, question))) as unknown;
  return all;
}

/** Compares one by one: a difference of all answers at once is too large to print. */
async function expectSame(
  ledger: LogLedger,
  questions: readonly Question[],
  before: Record<string, unknown>,
): Promise<void> {
  for (const [question, answer] of Object.entries(await answers(ledger, questions)))
    expect([question, answer]).toEqual([question, before[question]]);
}

/** Advances the clock until every lease of the log has expired. */
function endAll(log: SealedLog): void {
  log.now += 40 * 86_400_000;
  log.tickAll();
}

/** Returns a log with three ended trees, one of which ended with a call in flight, and an open tree. */
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

async function followed(log: SealedLog): Promise<LogLedger> {
  const ledger = bench.start();
  await bench.feed(ledger, log);
  await ledger.sign();
  return ledger;
}

/** @returns the number of trees that the state no longer contains */
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

describe('a ledger whose state no longer contains the ended trees', () => {
  it('returns the same answers as before', async () => {
    const log = endedLog();
    const ledger = await followed(log);
    const questions = questionsAbout(log);
    const before = await answers(ledger, questions);
    expect(Object.values(before).filter((each) => (each as Answer).ok).length).toBeGreaterThan(200);
    expect(forgetEnded(ledger)).toBe(3);
    expect(ledger.state.runs.size).toBe(1);
    await expectSame(ledger, questions, before);
    expect(bench.warnings).toEqual([]);
  }, 60_000);

  it('returns the same answers as before for random logs', async () => {
    await fc.assert(
      fc.asyncProperty(moves(40), async (all) => {
        const log = new SealedLog();
        for (const move of all) play(log, move);
        endAll(log);
        await bench.reset();
        const ledger = await followed(log);
        const questions = questionsAbout(log);
        const before = await answers(ledger, questions);
        expect(forgetEnded(ledger)).toBe(log.state.trees.size);
        await expectSame(ledger, questions, before);
      }),
      { numRuns: 5 },
    );
  }, 120_000);

  it('still refuses ids that never existed', async () => {
    const ledger = await followed(endedLog());
    const before = await answers(ledger, questionsAboutNothing);
    expect(Object.values(before).filter((each) => JSON.stringify(each).includes('"NOT_FOUND"'))).toHaveLength(8);
    forgetEnded(ledger);
    expect(await answers(ledger, questionsAboutNothing)).toEqual(before);
  });

  it('returns the counts of an ended grant as of its last outcome', async () => {
    const log = endedLog();
    const ledger = await followed(log);
    forgetEnded(ledger);
    const spent = ((await grantsOf(ledger)) as { consumed: { cost: object }; reserved: { cost: object } }[])
      .filter(({ consumed }) => 'USD' in consumed.cost && consumed.cost.USD === 5)
      .map(({ reserved }) => reserved.cost);
    expect(spent).toEqual([{}, {}]); // the run that made the call, and its parent
  });

  it('does not change the rows of ended trees when a later revocation selects them', async () => {
    const log = endedLog();
    const before = log.events.length;
    const ledger = await followed(log);
    expect(forgetEnded(ledger)).toBe(3);
    log.strike({ purposeRef: REF }); // it selects all trees and stops the open one
    expect(log.events.length).toBeGreaterThan(before);
    await bench.feed(ledger, log);
    const rows = await bench.rows();
    await bench.reset();
    await followed(log);
    expect(await bench.rows()).toEqual(rows);
  });
});

describe('a ledger that is refolding its state', () => {
  const refused = (code: string): object => ({ ok: false, refusal: { code, detail: expect.any(String) as string } });
  const isNotReady = (answer: unknown): boolean => JSON.stringify(answer).includes('"NOT_READY"');

  it('responds NOT_READY instead of denying that a subject exists', async () => {
    const log = endedLog();
    const ledger = await followed(log);
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
