import { setTimeout as delay } from 'node:timers/promises';
import { bailiwick } from '../support/cli';
import { Random } from '../support/random';
import { http, until, type Stack } from '../support/stack';
import { checkAcknowledged } from './checks/acknowledged';
import { checkBudgets, type Spent } from './checks/budgets';
import { checkHeads } from './checks/heads';
import { checkLiveness } from './checks/liveness';
import { checkOrder, checkTold } from './checks/order';
import { checkOutcomes } from './checks/outcomes';
import { Faults, planOf, type Fault } from './faults';
import { Load } from './load';
import { LOG, readLog, readModels, unfinished, type Logged } from './log';
import { Record } from './record';
import { askAgain, differences, forgetAllButTheLog, head, scores } from './replay';

export interface ChaosOptions {
  readonly kills: number;
  readonly seed: number;
  readonly clients: number;
  /** of the answered requests, how many are asked again in the end */
  readonly again: number;
  readonly say: (line: string) => void;
}

export interface ChaosReport {
  /** what must not be; empty where all held */
  readonly findings: readonly string[];
  readonly plan: readonly Fault[];
  readonly record: Record;
  readonly stories: number;
  readonly events: number;
  readonly checkpoints: number;
  readonly askedAgain: number;
  /** by target: how often its supervisor started it again, and how long the longest took, ms */
  readonly restarts: ReadonlyMap<string, number>;
  readonly returns: ReadonlyMap<string, number>;
}

const QUIET_MS = 90_000;

/**
 * Loads a running system, lets faults happen to it, and checks what is left: first as it stands, then after a start
 * over nothing but its log. The seed gives the faults, their order and what each client does; what meets what is left
 * to the machine.
 */
export async function chaos(stack: Stack, options: ChaosOptions): Promise<ChaosReport> {
  const { say, again, seed } = options;
  const storm = await weather(stack, options);
  const { record, notes } = storm;
  const findings = [...record.findings, ...(await quiet(stack))];
  const log = await readLog(stack);
  say(`${record.exchanges.length} requests answered, ${log.length} events; checking`);
  const budgets = checkBudgets(log, record.met);
  findings.push(
    ...checkOrder(log),
    ...checkAcknowledged(log, record.exchanges),
    ...budgets.findings,
    ...checkLiveness(log),
    ...checkOutcomes(log),
    ...checkHeads(log, notes, await text(stack, `/log/${LOG}/vkey`)),
    ...checkTold(log, await allEvents(stack)),
    ...(await checkLive(stack, record, budgets.spent)),
    ...(await verified(stack)),
  );
  const report = { ...storm, findings, events: log.length, checkpoints: notes.size, restarts: restartsOf(stack) };
  // what is wrong already would only be found again
  if (findings.length > 0) return { ...report, askedAgain: 0 };
  say('starting it again over nothing but its log');
  findings.push(...(await checkReplay(stack, log, record)));
  const told = await askAgain(stack, record.exchanges, again, new Random(seed).fork(3));
  findings.push(...told.findings, ...(await verified(stack)));
  const end = await head(stack);
  if (end !== log.length)
    findings.push(`the log grew from ${log.length} to ${end} events by being read and asked again`);
  return { ...report, askedAgain: told.asked };
}

/** What the clients saw, what happened meanwhile, and every signed head that was given out. */
type Storm = Pick<ChaosReport, 'plan' | 'record' | 'stories' | 'returns'> & { notes: ReadonlySet<string> };

/** The load with its faults, until the last client has ended what it began. One that found something ends it early. */
async function weather(stack: Stack, { kills, seed, clients, say }: ChaosOptions): Promise<Storm> {
  const random = new Random(seed);
  const record = new Record();
  const plan = planOf(kills, random);
  const heads = new Heads(stack);
  const load = new Load({ url: stack.url, keys: stack.keys, clients, random: random.fork(1), record });
  const happening = new Faults(stack, random.fork(2), record);
  try {
    await answers(record, 20);
    for (const [i, fault] of plan.entries()) {
      if (record.findings.length > 0) break;
      await happening.happen(fault);
      if ((i + 1) % 10 === 0 || i + 1 === plan.length) say(progress(i + 1, plan.length, record));
      await answers(record, random.between(5, 40));
      await delay(random.between(0, 300));
    }
  } catch (error) {
    record.findings.push((error as Error).message);
  }
  await happening.over();
  say('no more faults; the clients end what they began');
  await load.end();
  await heads.end();
  return { plan, record, stories: load.told, returns: happening.returns, notes: heads.notes };
}

/** Until so many more requests were answered; faults that come faster than answers would be waited out in vain. */
async function answers(record: Record, more: number): Promise<void> {
  const wanted = record.exchanges.length + more;
  const alive = (): boolean => record.exchanges.length >= wanted || record.findings.length > 0;
  await until(`${more} more answers`, alive, 120_000);
}

/** Until nothing is on its way: every permit has its outcome, what ran out has ended, all have taken in all. */
async function quiet(stack: Stack): Promise<string[]> {
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
  return until('the system to have taken in all', holds, QUIET_MS).then(
    () => [],
    (error: unknown) => [`${(error as Error).message}; permits and leases that want their end: ${open}`],
  );
}

/** The consumers' state against what they make of the log from position 0, and of nothing else. */
async function checkReplay(stack: Stack, log: readonly Logged[], record: Record): Promise<string[]> {
  const [models, said] = [await readModels(stack), await scores(stack, record.alive, log.length)];
  await stack.down();
  await forgetAllButTheLog(stack);
  await stack.up();
  const late = await quiet(stack);
  const [fresh, saidAfresh] = [await readModels(stack), await scores(stack, record.alive, log.length)];
  return [
    ...late,
    ...[...models].flatMap(([table, rows]) => differences(table, rows, fresh.get(table) ?? [])),
    ...differences('the intent monitor', said, saidAfresh),
  ];
}

/** The live state counts what the log adds up to. */
async function checkLive(stack: Stack, record: Record, spent: Spent): Promise<string[]> {
  const findings: string[] = [];
  for (const { grantId } of record.met) {
    const { consumed } = await stack.as('analyst').grant(grantId);
    const { calls, reads, writes, external, spent: money, held } = spent.get(grantId)!;
    const there = JSON.stringify([
      consumed.calls,
      consumed.reads,
      consumed.writes,
      consumed.external,
      consumed.cost.USD ?? 0,
    ]);
    const sum = JSON.stringify([calls, reads, writes, external, money + held]);
    if (there !== sum) findings.push(`${grantId} says that it has used ${there}, and its events add up to ${sum}`);
  }
  return findings;
}

async function verified(stack: Stack): Promise<string[]> {
  const { code, out, err } = await bailiwick(['--data', stack.dataDir, 'log', 'verify']);
  return code === 0 ? [] : [`bailiwick log verify ended with ${code}:\n${out}${err}`];
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

function progress(done: number, all: number, { exchanges, tries, abandoned, slowest, findings }: Record): string {
  const wrong = findings.length > 0 ? `, ${findings.length} FOUND WRONG` : '';
  return `${done} of ${all} faults; ${exchanges.length} requests answered in ${tries} tries, ${abandoned} called off, slowest ${(slowest / 1_000).toFixed(1)} s${wrong}`;
}

/** Asks for the signed head over and over, and keeps every one that is given out. */
class Heads {
  readonly notes = new Set<string>();
  private ending = false;
  private readonly asking: Promise<void>;

  constructor(private readonly stack: Stack) {
    this.asking = this.ask();
  }

  async end(): Promise<void> {
    this.ending = true;
    await this.asking;
  }

  private async ask(): Promise<void> {
    while (!this.ending) {
      const signal = AbortSignal.timeout(2_000);
      const answer = await fetch(`${this.stack.url}/log/${LOG}/checkpoint`, { signal }).catch(() => undefined);
      const note = answer?.status === 200 ? await answer.text().catch(() => undefined) : undefined;
      // an answer that was cut off is none: a note ends with a signature's line
      if (note?.endsWith('\n')) this.notes.add(note);
      await delay(250);
    }
  }
}
