import { readFileSync } from 'node:fs';
import { LIMITS } from '@bailiwick/core/limits';
import { readLog } from '../chaos/log';
import { open, read, WIDE } from '../e2e/leases';
import { http, Stack, until, type HttpAnswer } from '../support/stack';

const REQUESTS = 260;
const PER_REQUEST = 50;
/** peak memory that a gateway or an owner may use */
const MAX_MEMORY_KB = 700 * 1024;

/** Sends more requests than all queues hold to an owner that is stopped and then continues. */
describe('a flood of requests', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start();
  }, 120_000);
  afterAll(() => stack.stop());

  const pidOf = (name: string): number => stack.status().services.find((each) => each.name === name)?.pid as number;
  const peakKb = (pid: number): number =>
    Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);

  it('is refused at once beyond the limits, each decision is written once, and a retry is answered', async () => {
    const lots = { calls: 1_000_000, reads: 1_000_000 };
    // as many as the in-flight limit of a grant allows: beyond it, denials would not be written individually
    const perGrant = LIMITS.inFlightPerGrant / PER_REQUEST;
    const grants = await Promise.all(
      Array.from({ length: Math.ceil(REQUESTS / perGrant) }, () =>
        open(stack.as('orchestrator'), { budget: { ...WIDE.budget, ...lots } }),
      ),
    );
    const actions = (nth: number) =>
      Array.from({ length: PER_REQUEST }, () => read(grants[Math.floor(nth / perGrant)]?.grant.id as string));
    const send = (nth: number): Promise<HttpAnswer> =>
      http(stack, 'POST', '/v1/actions:batch', {
        key: stack.keys.enforcer as string,
        body: { actions: actions(nth) },
        headers: { 'idempotency-key': `flood-${nth}` },
      });
    const owner = pidOf('delegation');
    let refused = 0;
    process.kill(owner, 'SIGSTOP');
    const sent = Array.from({ length: REQUESTS }, async (_, nth) => {
      const answer = await send(nth);
      if (answer.status === 429) refused += 1;
      return answer;
    });
    try {
      await until('some to be refused', () => refused > 0);
      expect((await http(stack, 'GET', '/healthz')).status).toBe(200);
    } finally {
      process.kill(owner, 'SIGCONT');
    }
    const answers = await Promise.all(sent);
    for (const { status, headers, body } of answers)
      expect([200, 429, 503].includes(status) ? (status === 200) === (headers.get('retry-after') === null) : body).toBe(
        true,
      );
    expect(answers.some(({ status }) => status === 200)).toBe(true);
    if (process.platform === 'linux')
      for (const name of ['gateway', 'delegation']) expect(peakKb(pidOf(name))).toBeLessThan(MAX_MEMORY_KB);

    const decisions = await Promise.all(
      answers.map(async (first, nth) => {
        // retry every request that was not decided, and one in ten of the others
        if (decided(first) && nth % 10 > 0) return decisionsOf(first.body);
        let again = await send(nth);
        await until('the retry to be answered', async () => {
          if (!decided(again)) again = await send(nth);
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
    expect(logged.sort()).toEqual(decisions.flat().sort());
  }, 120_000);
});

/** Checks that every action of the batch was decided; one that timed out has an error in its place and is retried. */
const decided = ({ status, body }: HttpAnswer): boolean =>
  status === 200 && (body.answers as { error?: object }[]).every(({ error }) => error === undefined);

const decisionsOf = (body: HttpAnswer['body']): string[] =>
  (body.answers as { actionId: string; decision: string }[]).map(({ actionId, decision }) => `${actionId} ${decision}`);
