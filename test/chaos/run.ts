import { setTimeout as delay } from 'node:timers/promises';
import { bailiwick } from '../support/cli';
import { Random } from '../support/random';
import { http, until, type Stack } from '../support/stack';
import { checkAcknowledged } from './checks/acknowledged';
import { checkBudgets, type Spent } from './checks/budgets';
import { checkHeads } from './checks/heads';
import { checkLiveness } from './checks/liveness';
import { checkOrder, checkApi } from './checks/order';
import { checkOutcomes } from './checks/outcomes';
import { Faults, planOf, type Fault } from './faults';
import { Load } from './load';
import { LOG, readLog, readModels, unfinished, type Logged } from './log';
import { Record } from './record';
import { repeatRequests, differences, deleteDerivedData, logSize, scores } from './replay';

export interface ChaosOptions {
  readonly kills: number;
  readonly seed: number;
  readonly clients: number;
  /** how many of the answered requests are repeated at the end */
  readonly again: number;
  readonly logLine: (line: string) => void;
}

export interface ChaosReport {
  /** violated invariants; empty if every check passed */
  readonly findings: readonly string[];
  readonly plan: readonly Fault[];
  readonly record: Record;
  readonly scenarios: number;
  readonly events: number;
  readonly checkpoints: number;
  readonly askedAgain: number;
  /** by target: the number of restarts by its supervisor, and the longest restart in ms */
  readonly restarts: ReadonlyMap<string, number>;
  readonly restartTimes: ReadonlyMap<string, number>;
}

const QUIET_MS = 90_000;
/** the least number of exhausted caps, and of checkpoints, that a run must have seen */
const ENOUGH = 6;

/**
 * Runs a load against a running system, injects faults, and checks the invariants: first in the current state, then
 * after a restart from the log alone. The seed determines the faults, their order and the actions of each client; the
 * interleaving depends on the machine.
 */
export async function chaos(stack: Stack, options: ChaosOptions): Promise<ChaosReport> {
  const { logLine, again, seed } = options;
  const loadResult = await runLoad(stack, options);
  const { record, notes } = loadResult;
  const findings = [...record.findings, ...(await waitUntilIdle(stack))];
  const log = await readLog(stack);
  logLine(`${record.exchanges.length} requests answered, ${log.length} events; checking`);
  const budgets = checkBudgets(log, record.met);
  findings.push(
    ...checkOrder(log),
    ...checkAcknowledged(log, record.exchanges),
    ...budgets.findings,
    ...checkLiveness(log),
    ...checkOutcomes(log),
    ...checkHeads(log, notes, await text(stack, `/log/${LOG}/vkey`)),
    ...checkApi(log, await allEvents(stack)),
    ...(await checkLive(stack, record, budgets.spent)),
    ...(await verified(stack)),
  );
  const report = { ...loadResult, findings, events: log.length, checkpoints: notes.size, restarts: restartsOf(stack) };
  // further checks would only report the same findings again
  if (findings.length > 0) return { ...report, askedAgain: 0 };
  logLine('restarting from the log alone');
  findings.push(...(await checkReplay(stack, log, record)));
  const repetition = await repeatRequests(stack, record.exchanges, again, new Random(seed).fork(3));
  findings.push(...repetition.findings, ...(await verified(stack)));
  const end = await logSize(stack);
  if (end !== log.length)
    findings.push(`reads and repeated requests added events: the log grew from ${log.length} to ${end}`);
  return { ...report, askedAgain: repetition.repeated };
}

/** The clients' observations, the injected faults, and every published signed head. */
type LoadResult = Pick<ChaosReport, 'plan' | 'record' | 'scenarios' | 'restartTimes'> & { notes: ReadonlySet<string> };

/** Runs the load and injects the faults; returns after the last client has finished. A finding ends the faults early. */
async function runLoad(stack: Stack, { kills, seed, clients, logLine }: ChaosOptions): Promise<LoadResult> {
  const random = new Random(seed);
  const record = new Record();
  const plan = planOf(kills, random);
  const heads = new Heads(stack);
  const load = new Load({ url: stack.url, keys: stack.keys, clients, random: random.fork(1), record });
  const faults = new Faults(stack, random.fork(2), record);
  try {
    await waitForResponses(record, 20);
    for (const [i, fault] of plan.entries()) {
      if (record.findings.length > 0) break;
      await faults.inject(fault);
      if ((i + 1) % 10 === 0 || i + 1 === plan.length) logLine(progress(i + 1, plan.length, record));
      await waitForResponses(record, random.between(5, 40));
      await delay(random.between(0, 300));
    }
  } catch (error) {
    record.findings.push((error as Error).message);
  }
  await faults.waitForRecovery();
  await waitForEvidence(record, heads);
  logLine('no more faults; waiting for the clients to finish');
  await load.end();
  await heads.end();
  return { plan, record, scenarios: load.completed, restartTimes: faults.restartTimes, notes: heads.notes };
}

/** Waits for a number of further responses. Faults that arrive faster than responses would leave the load no progress. */
async function waitForResponses(record: Record, more: number): Promise<void> {
  const wanted = record.exchanges.length + more;
  const alive = (): boolean => record.exchanges.length >= wanted || record.findings.length > 0;
  await until(`${more} more responses`, alive, 120_000);
}

/** Keeps the load on until there is enough to check, on a machine of any speed. A finding ends the wait. */
async function waitForEvidence(record: Record, heads: Heads): Promise<void> {
  const enough = (): boolean => record.met.length >= ENOUGH && heads.notes.size >= ENOUGH;
  await until(`${ENOUGH} exhausted caps and checkpoints`, () => enough() || record.findings.length > 0, 60_000);
}

/** Waits until the system is idle: every permit has its outcome, every expired lease has ended, followers have caught up. */
async function waitUntilIdle(stack: Stack): Promise<string[]> {
  const caughtUp = async (): Promise<boolean> => {
    const answer = await http(stack, 'GET', '/readyz').catch(() => undefined);
    return answer?.status === 200 && Object.values(answer.body.behind as object).every((behind) => behind === 0);
  };
  let open = Infinity;
  const holds = async (): Promise<boolean> => {
    if (!(await caughtUp())) return false;
    open = await unfinished(stack).catch(() => Infinity);
    return open === 0 && caughtUp();
  };
  return until('the system to become idle', holds, QUIET_MS).then(
    () => [],
    (error: unknown) => [`${(error as Error).message}; permits and leases without an end: ${open}`],
  );
}

/** Compares the consumers' state with the state that they derive from the log alone, from position 0. */
async function checkReplay(stack: Stack, log: readonly Logged[], record: Record): Promise<string[]> {
  const [models, liveScores] = [await readModels(stack), await scores(stack, record.alive, log.length)];
  await stack.down();
  await deleteDerivedData(stack);
  await stack.up();
  const late = await waitUntilIdle(stack);
  const [fresh, freshScores] = [await readModels(stack), await scores(stack, record.alive, log.length)];
  return [
    ...late,
    ...[...models].flatMap(([table, rows]) => differences(table, rows, fresh.get(table) ?? [])),
    ...differences('the intent monitor', liveScores, freshScores),
  ];
}

/** Checks that the usage in the live state equals the sum over the log. */
async function checkLive(stack: Stack, record: Record, spent: Spent): Promise<string[]> {
  const findings: string[] = [];
  for (const { grantId } of record.met) {
    const { consumed } = await stack.as('analyst').grant(grantId);
    const { calls, reads, writes, external, spent: money, held } = spent.get(grantId)!;
    const reported = JSON.stringify([
      consumed.calls,
      consumed.reads,
      consumed.writes,
      consumed.external,
      consumed.cost.USD ?? 0,
    ]);
    const sum = JSON.stringify([calls, reads, writes, external, money + held]);
    if (reported !== sum) findings.push(`${grantId} reports usage ${reported}, but its events add up to ${sum}`);
  }
  return findings;
}

async function verified(stack: Stack): Promise<string[]> {
  const { code, out, err } = await bailiwick(['--data', stack.dataDir, 'log', 'verify']);
  return code === 0 ? [] : [`bailiwick log verify exited with ${code}:\n${out}${err}`];
}

async function allEvents(stack: Stack): Promise<{ [member: string]: unknown }[]> {
  const analyst = stack.as('analyst');
  const all: { [member: string]: unknown }[] = [];
  for (;;) {
    const { items, next } = await analyst.events({ after: all.length - 1, limit: 1_000 });
    all.push(...(items as unknown as { [member: string]: unknown }[]));
    if (next === null) return all;
  }
}

async function text(stack: Stack, path: string): Promise<string> {
  return String((await http(stack, 'GET', path)).body.text);
}

function restartsOf(stack: Stack): Map<string, number> {
  const { services, postgres, nats } = stack.status();
  return new Map([
    ...services.map(({ name, restarts }) => [name, restarts] as const),
    ['postgres', postgres.restarts],
    ['nats', nats.restarts],
  ]);
}

function progress(done: number, all: number, { exchanges, tries, aborted, slowest, findings }: Record): string {
  const wrong = findings.length > 0 ? `, ${findings.length} FINDINGS` : '';
  return `${done} of ${all} faults; ${exchanges.length} requests answered in ${tries} tries, ${aborted} aborted, slowest ${(slowest / 1_000).toFixed(1)} s${wrong}`;
}

/** Polls the signed head and keeps every distinct one. */
class Heads {
  readonly notes = new Set<string>();
  private ending = false;
  private readonly polling: Promise<void>;

  constructor(private readonly stack: Stack) {
    this.polling = this.poll();
  }

  async end(): Promise<void> {
    this.ending = true;
    await this.polling;
  }

  private async poll(): Promise<void> {
    while (!this.ending) {
      const signal = AbortSignal.timeout(2_000);
      const answer = await fetch(`${this.stack.url}/log/${LOG}/checkpoint`, { signal }).catch(() => undefined);
      const note = answer?.status === 200 ? await answer.text().catch(() => undefined) : undefined;
      // ignores a truncated response: a complete note ends with a signature line
      if (note?.endsWith('\n')) this.notes.add(note);
      await delay(250);
    }
  }
}
