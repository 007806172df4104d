import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { Rulebook } from '@bailiwick/audit/audit-rules';
import { deployment, manifests } from '@bailiwick/authority/testing/policies';
import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import type { Answer, Command } from '@bailiwick/contracts/commands/command';
import { eventLogDatabase, type EventLogDatabase } from '../../../../test/support/eventlog-database';
import type { Event } from '@bailiwick/contracts/events/event';
import type { OwnerRequest, OwnerResponse } from '../testing/owner-process';
import {
  authorize,
  command,
  decision,
  digestFromZero,
  eventsOf,
  grantIdOf,
  LOG,
  openRun,
  refusal,
  ROOMY,
  value,
} from '../testing/world';

const KILLS = 8;
const IN_FLIGHT = 40;
const COMMANDS = 1_200;
/** fewer than the commands, so that they compete for the last of the budget across kills */
const CALLS = 900;
/** the commands from one deployment of a policy to the next */
const DEPLOYS = 60;

describe('LogOwner in a process that is killed repeatedly', () => {
  let database: EventLogDatabase;
  let eventlog: PostgresEventLog;
  let child: ChildProcess | undefined;
  beforeAll(async () => {
    database = await eventLogDatabase();
    eventlog = new PostgresEventLog(database.url);
    await eventlog.createLog(LOG);
  }, 120_000);
  afterAll(async () => {
    child?.kill('SIGKILL');
    await eventlog.close();
    await database.drop();
  });

  it('loses no acknowledged decision and writes none twice, and has one policy in force at each position', async () => {
    const url = await database.as('delegation');
    const answers = new Map<string, Answer>();
    const grantId = grantIdOf(
      (await drive(url, [openRun({ ...ROOMY, budget: { ...ROOMY.budget, calls: CALLS } })], 1)).values().next()
        .value as Answer,
    );

    let waiting: Command[] = Array.from({ length: COMMANDS }, (_, i) =>
      i % DEPLOYS === 0 ? command('deployPolicy', deployment(bundle(i), i / DEPLOYS)) : authorize(grantId),
    );
    const deployments = new Set(waiting.filter(({ type }) => type === 'deployPolicy').map((each) => each.commandId));
    const random = lcg(20260101);
    let killed = 0;
    while (waiting.length > 0) {
      // killed after this many responses, with more commands in flight
      const die = killed < KILLS ? 1 + (random() % 150) : Infinity;
      for (const [id, answer] of await drive(url, waiting, die)) {
        // a repeated response must equal the original one
        if (answers.has(id) && refusal(answers.get(id) as Answer) !== 'TOO_MANY')
          expect(answer).toEqual(answers.get(id));
        answers.set(id, answer);
      }
      killed += 1;
      // repeats all commands without a response, and some that have one
      waiting = waiting.filter((each) => !answers.has(each.commandId) || (killed <= KILLS && random() % 20 === 0));
    }

    const events = await eventsOf(eventlog);
    expect(events.map((event) => event.position)).toEqual(events.map((_, i) => i));
    const decisions = events.filter((event) => event.type === 'ActionPermitted' || event.type === 'ActionDenied');
    expect(answers.size).toBe(COMMANDS);
    // when the budget is used up, a limited number of denials are written and the others counted
    const decided = [...answers].filter(([id]) => !deployments.has(id));
    const written = decided.filter(([, answer]) => refusal(answer) !== 'TOO_MANY');
    expect(decisions.map((event) => event.commandId).sort()).toEqual(written.map(([id]) => id).sort());
    expect(written.length).toBeGreaterThan(CALLS);
    for (const [id, answer] of written) {
      const { position, actionId } = value<{ position: number; actionId: string }>(answer);
      expect(events[position]).toMatchObject({
        commandId: id,
        actionId,
        type: decision(answer) === 'permit' ? 'ActionPermitted' : 'ActionDenied',
      });
    }
    expect(decisions.filter((event) => event.type === 'ActionPermitted')).toHaveLength(CALLS);
    expect(events.filter((event) => event.type === 'GrantExhausted')).toHaveLength(1);
    for (const id of deployments) {
      const { position } = value<{ position: number }>(answers.get(id) as Answer);
      expect(events[position]).toMatchObject({ type: 'PolicyDeployed', commandId: id });
    }
    expect(versionsIn(events)).toBe(deployments.size);
    expect(await digestFromZero(eventlog)).toMatch(/^sha256:/);
    expect(killed).toBeGreaterThan(KILLS);
  }, 120_000);

  /** Sends commands to an owner in a separate process and kills it after `dieAfter` responses. Returns the responses. */
  async function drive(url: string, commands: readonly Command[], dieAfter: number): Promise<Map<string, Answer>> {
    const acknowledged = new Map<string, Answer>();
    const owner = fork(join(__dirname, '../testing/owner-process.ts'), {
      execArgv: ['--require', join(__dirname, '../../../../test/support/register.cjs')],
      env: { ...process.env, DATABASE_URL: url },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    child = owner;
    const gone = new Promise<void>((resolve) => owner.once('exit', () => resolve()));
    let next = 0;
    const ask = (nth: number): void =>
      void owner.send({ nth, command: commands[nth] } satisfies OwnerRequest, () => undefined);
    const more = (): void => {
      if (next < commands.length) ask(next++);
    };
    owner.on('message', ({ nth, answer }: OwnerResponse) => {
      // responses that were in transit at the kill count as acknowledged, too
      if (refusal(answer) === 'NOT_READY') return ask(nth);
      acknowledged.set((commands[nth] as Command).commandId, answer);
      if (acknowledged.size >= Math.min(dieAfter, commands.length)) owner.kill('SIGKILL');
      else more();
    });
    for (let i = 0; i < IN_FLIGHT; i++) more();
    await gone;
    expect(owner.signalCode).toBe('SIGKILL');
    return acknowledged;
  }
});

/** A bundle that takes several events. */
const bundle = (n: number): PolicyBundle => ({
  ...manifests({ class: '*', words: `version ${n}` }),
  catalog: Array.from({ length: 200 }, (_, i) => ({
    match: [`q${String.fromCharCode(97 + (i % 26), 97 + Math.floor(i / 26))}.fetch`],
    effects: ['read' as const],
    risk: 'low' as const,
    words: 'fetch one of the items of a bundle that is too large for a single event',
  })),
});

/** Checks that each decision names the version in force at its position. Returns the last version. */
function versionsIn(events: readonly Event[]): number {
  const [book, found] = [new Rulebook(), [] as string[]];
  let version = 0;
  for (const event of events) {
    book.check(event, (check, detail) => found.push(`${check}: ${detail}`));
    if (event.type === 'PolicyDeployed') {
      expect([event.data.replaces, event.data.version]).toEqual([version, version + 1]);
      expect(event.data.parts).toBeGreaterThan(1);
      version += 1;
    }
    if (event.type === 'ActionPermitted' || event.type === 'ActionDenied') expect(event.data.policy).toBe(version);
  }
  expect(found).toEqual([]);
  return version;
}

/** Pseudorandom numbers that are the same in every run. */
function lcg(seed: number): () => number {
  let x = seed;
  return () => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    return x >>> 8;
  };
}
