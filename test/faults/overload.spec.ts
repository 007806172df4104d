import { readFileSync } from 'node:fs';
import { LIMITS } from '@bailiwick/core/limits';
import { readLog } from '../chaos/log';
import { open, read, WIDE } from '../e2e/leases';
import { http, Stack, until, type HttpAnswer } from '../support/stack';

const REQUESTS = 260;
const PER_REQUEST = 50;
/** of what a gateway or an owner may need for it, at most */
const MEMORY_KB = 700 * 1024;

/** More is asked than fits anywhere, of an owner that is stopped and then goes on. */
describe('a flood of requests', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start();
  }, 120_000);
  afterAll(() => stack.stop());

  const pidOf = (name: string): number => stack.status().services.find((each) => each.name === name)?.pid as number;
  const peakKb = (pid: number): number =>
    Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);

  it('is refused where there is no room, at once; what is answered is written once; and a retry is answered', async () => {
    const lots = { calls: 1_000_000, reads: 1_000_000 };
    // as many as fit under each lease: what is denied for want of room there would only be counted beyond a budget
    const most = LIMITS.inFlightPerGrant / PER_REQUEST;
    const grants = await Promise.all(
      Array.from({ length: Math.ceil(REQUESTS / most) }, () =>
        open(stack.as('orchestrator'), { budget: { ...WIDE.budget, ...lots } }),
      ),
    );
    const actions = (nth: number) =>
      Array.from({ length: PER_REQUEST }, () => read(grants[Math.floor(nth / most)]?.grant.id as string));
    const ask = (nth: number): Promise<HttpAnswer> =>
      http(stack, 'POST', '/v1/actions:batch', {
        key: stack.keys.enforcer as string,
        body: { actions: actions(nth) },
        headers: { 'idempotency-key': `flood-${nth}` },
      });
    const owner = pidOf('delegation');
    let refused = 0;
    process.kill(owner, 'SIGSTOP');
    const asked = Array.from({ length: REQUESTS }, async (_, nth) => {
      const answer = await ask(nth);
      if (answer.status === 429) refused += 1;
      return answer;
    });
    try {
      await until('some to be refused', () => refused > 0);
      expect((await http(stack, 'GET', '/healthz')).status).toBe(200);
    } finally {
      process.kill(owner, 'SIGCONT');
    }
    const answers = await Promise.all(asked);
    for (const { status, headers, body } of answers)
      expect([200, 429, 503].includes(status) ? (status === 200) === (headers.get('retry-after') === null) : body).toBe(
        true,
      );
    expect(answers.some(({ status }) => status === 200)).toBe(true);
    if (process.platform === 'linux')
      for (const name of ['gateway', 'delegation']) expect(peakKb(pidOf(name))).toBeLessThan(MEMORY_KB);

    const told = await Promise.all(
      answers.map(async (first, nth) => {
        // of those that were answered, some ask again; all others do
        if (decided(first) && nth % 10 > 0) return decisionsOf(first.body);
        let again = await ask(nth);
        await until('the retry to be answered', async () => {
          if (!decided(again)) again = await ask(nth);
          return decided(again);
        });
        if (decided(first)) expect(decisionsOf(again.body)).toEqual(decisionsOf(first.body));
        return decisionsOf(again.body);
      }),
    );
    const logged = (await readLog(stack))
      .map(({ event }) => event)
      .filter(({ type }) => type === 'ActionPermitted' || type === 'ActionDenied')
      .map(({ type, actionId }) => `${actionId} ${type === 'ActionPermitted' ? 'permit' : 'deny'}`);
    expect(new Set(logged).size).toBe(REQUESTS * PER_REQUEST);
    expect(logged.sort()).toEqual(told.flat().sort());
  }, 120_000);
});

/** Every call of the batch was decided: one that could not be in time has an error in its place, and is asked again. */
const decided = ({ status, body }: HttpAnswer): boolean =>
  status === 200 && (body.answers as { error?: object }[]).every(({ error }) => error === undefined);

const decisionsOf = (body: HttpAnswer['body']): string[] =>
  (body.answers as { actionId: string; decision: string }[]).map(({ actionId, decision }) => `${actionId} ${decision}`);
