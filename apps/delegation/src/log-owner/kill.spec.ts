import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import type { Answer, Command } from '@bailiwick/contracts/commands/command';
import { eventLogDatabase, type EventLogDatabase } from '../../../../test/support/eventlog-database';
import type { OwnerRequest, OwnerResponse } from '../testing/owner-process';
import {
  authorize,
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

  it('loses no acknowledged decision and writes none twice', async () => {
    const url = await database.as('delegation');
    const answers = new Map<string, Answer>();
    const grantId = grantIdOf(
      (await drive(url, [openRun({ ...ROOMY, budget: { ...ROOMY.budget, calls: CALLS } })], 1)).values().next()
        .value as Answer,
    );

    let waiting: Command[] = Array.from({ length: COMMANDS }, () => authorize(grantId));
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
    const written = [...answers].filter(([, answer]) => refusal(answer) !== 'TOO_MANY');
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

/** Pseudorandom numbers that are the same in every run. */
function lcg(seed: number): () => number {
  let x = seed;
  return () => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
    return x >>> 8;
  };
}
