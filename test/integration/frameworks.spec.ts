import { spawn, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { BailiwickClient } from '@bailiwick/client/client';
import { DeniedError, LeaseEndedError } from '@bailiwick/client/errors';
import { continueRun, openRun, type Run, type RunOptions } from '@bailiwick/client/run';
import { BUILT_FLAGS } from '@bailiwick/platform/built';
import { Stack, until } from '../support/stack';

const ROOT = resolve(__dirname, '..', '..');
const READ = { name: 'read', verb: 'file.read', resource: { type: 'file', id: 'docs/a.md' } } as const;

/** The client and its adapters for agent frameworks, on one installation. */
describe('the client of an agent', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start({}, ['--no-demo']);
  }, 120_000);
  afterAll(() => stack.stop());

  const example = (name: string): Promise<string> => played(process.execPath, ...BUILT_FLAGS, exampleOf(`${name}.mjs`));
  const exampleOf = (file: string): string => resolve(ROOT, 'docs', 'examples', file);
  const played = (program: string, ...args: string[]): Promise<string> =>
    new Promise((done) => {
      const env = { ...process.env, BAILIWICK_URL: stack.url, BAILIWICK_KEY: stack.keys.orchestrator };
      const child = spawn(program, args, { env, timeout: 60_000 });
      let out = '';
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()));
      child.once('close', (code) => done(`${out}exit ${code}`));
    });
  const open = (options: RunOptions = {}, grant: object = {}): Promise<Run> =>
    openRun(
      stack.as('orchestrator'),
      {
        agent: 'tester',
        requestedBy: 'user:ada@example.com',
        purpose: 'Test the client',
        grant: {
          actions: { allow: ['file.*', 'payment.make'] },
          resources: [{ type: '*', match: '**' }],
          budget: { calls: 20, reads: 20, writes: 5, external: 5, cost: { USD: 10_000 } },
          time: { ttl: '10m' },
          delegation: { depth: 1, children: 3, classes: ['*'] },
          risk: { ceiling: 'high', approvalFrom: 'high' },
          ...grant,
        },
      },
      { watchEveryMs: 50, ...options },
    );
  /** Returns the types and data of the events of a run, in their order, once a number of them is searchable. */
  const outcomesOf = async (run: Run, count: number): Promise<string[]> => {
    let types: string[] = [];
    await until(`${count} outcomes of ${run.id}`, async () => {
      const { items } = await stack.as('analyst').events({ runId: run.id, limit: 200 });
      types = items.map(({ type }) => type).filter((type) => /^Action(Completed|Failed|Abandoned)$/.test(type));
      return types.length >= count;
    });
    return types;
  };

  const DENIED = 'denied: file secrets/token.txt is not covered';
  const SUBAGENT = 'denied: file.write is not among the allowed actions: file.read [ACTION_NOT_ALLOWED]';
  it.each(['ai-sdk', 'langchain', 'openai-agents'])(
    'guards the tools of the example %s, and gives its subagent a narrower lease',
    async (name) => {
      const lines = (await example(name)).split('\n');
      expect(lines).toEqual(
        expect.arrayContaining([
          'read_file: Bailiwick gives every agent a leese for one task.',
          expect.stringMatching(`^read_file: ${DENIED}`),
          'write_file: wrote 36 characters',
          'reviewer read_file: Bailiwick gives every agent a lease.',
          `reviewer write_file: ${SUBAGENT}`,
          expect.stringMatching(/the draft is written$/),
          'exit 0',
        ]),
      );
      expect(lines.join('\n')).not.toContain('hunter2');
    },
    90_000,
  );

  it('guards the clients of both lines of the SDK of MCP in the example mcp', async () => {
    const lines = (await example('mcp')).split('\n');
    for (const line of ['SDK 1', 'SDK 2'])
      expect(lines).toEqual(
        expect.arrayContaining([
          `${line} lists read_text_file, write_file`,
          `${line} result: the text of docs-intro.md`,
          expect.stringMatching(`^${line} error: denied: file token.txt is not covered`),
          `${line} TOOL_WITHOUT_RULE`,
          `${line} subagent: ${SUBAGENT}`,
        ]),
      );
    expect(lines.at(-1)).toBe('exit 0');
  }, 90_000);

  it('gives each execution of code a narrow lease, by which every call in it is decided, in the example code-mode', async () => {
    const [read, written, loop, changed, exit] = (await example('code-mode')).split('\n');
    expect([read, changed, exit]).toEqual(['9', 'files changed: 0', 'exit 0']);
    expect(written).toBe(SUBAGENT);
    expect(loop).toMatch(
      /^read \| read \| read \| denied: this grant is exhausted: budget.calls used up \[GRANT_NOT_LIVE\] \| /,
    );
  }, 90_000);

  const hasPython = spawnSync('python3', ['--version']).status === 0;
  (hasPython ? it : it.skip)(
    'can be made in Python from the OpenAPI document alone, as the example client.py',
    async () => {
      expect((await played('python3', '-B', exampleOf('client.py'))).split('\n')).toEqual([
        'permit docs/intro.md once',
        'deny secrets/token.txt once',
        'refused DELEGATION_NOT_ALLOWED',
        'the run is done',
        'exit 0',
      ]);
    },
  );

  it('continues under the new lease after an escalation, without a new token', async () => {
    const run = await open({}, { budget: { calls: 2, reads: 2 } });
    const call = run.guard({ ...READ, run: () => 'text' });
    await call({});
    const { approval } = await run.client.escalate(run.id, { budget: { calls: 5, reads: 5 } }, 'a second file');
    await stack.as('approver').decide(approval.id, 'approve');
    for (let i = 0; i < 3; i++) await expect(call({})).resolves.toBe('text');
    expect(run.signal.aborted).toBe(false);
    run.close();
  });

  it.each([
    ['revoked', 'its lease is revoked', (run: Run) => stack.as('responder').revoke(run.grantId, 'a test')],
    [
      'completed',
      'its run is reported done by another process',
      (run: Run) => stack.as('orchestrator').complete(run.id),
    ],
  ])('aborts a call in flight with %s once %s, and reports it as failed', async (end, _when, act) => {
    const run = await open();
    const call = run.guard({
      ...READ,
      run: (_args, { signal }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
          void act(run);
        }),
    });
    const error = await call({}).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(LeaseEndedError);
    expect((error as LeaseEndedError).end).toBe(end);
    expect(await outcomesOf(run, 1)).toEqual(['ActionFailed']);
  });

  it('aborts a child when the lease above it is revoked', async () => {
    const run = await open();
    const child = await run.delegate({ agent: 'reader', task: 'read', grant: { actions: { allow: ['file.read'] } } });
    expect(child.token).not.toBe(run.token);
    const { signal } = child;
    await stack.as('responder').revoke(run.grantId, 'a test');
    await until('the signal of the child', () => signal.aborted);
    expect(signal.reason).toMatchObject({ code: 'LEASE_REVOKED' });
    await expect(child.guard({ ...READ, run: () => 1 })({})).rejects.toBe(signal.reason);
  });

  it('waits for a person, makes the call that was approved, and reports its outcome', async () => {
    const approver = stack.as('approver');
    const asked = ({ id }: { id: string }): void => void approver.decide(id, 'approve');
    const run = await open({ approval: { asked, everyMs: 50 } });
    const pay = run.guard({
      name: 'pay',
      verb: 'payment.make',
      resource: ({ to }: { to: string }) => ({ type: 'account', id: to }),
      cost: ({ amount }: { to: string; amount: number }) => ({ USD: amount }),
      run: ({ amount }) => `paid ${amount}`,
    });
    await expect(pay({ to: 'shop-7', amount: 4_900 })).resolves.toBe('paid 4900');
    expect(await outcomesOf(run, 1)).toEqual(['ActionCompleted']);
    expect((await run.client.grant(run.grantId)).consumed.cost).toEqual({ USD: 4_900 });
  });

  it('treats a permit with an obligation that a rule does not apply as a denial, uncharged', async () => {
    const run = await open({}, { obligations: [{ kind: 'max_rows', rows: 1 }] });
    const ran = jest.fn(() => [1, 2]);
    const error = await run
      .guard({ ...READ, run: ran })({})
      .catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(DeniedError);
    expect([(error as DeniedError).code, ran.mock.calls.length]).toEqual(['OBLIGATION_NOT_UNDERSTOOD', 0]);
    const apply = (rows: number[]): number[] => rows.slice(0, 1);
    const guarded = run.guard({ ...READ, run: ran, understands: ['max_rows'], apply });
    await expect(guarded({})).resolves.toEqual([1]);
    expect((await run.client.grant(run.grantId)).consumed.calls).toBe(1);
  });

  it('renews a lease, and continues with the new token in this process and in another', async () => {
    const run = await open({ renew: false }, { time: { ttl: '1h', renewUntil: '2h' } });
    const time = { expiresAt: new Date(Date.now() + 600_000).toISOString(), renewUntil: '30m' };
    await stack.as('responder').narrow(run.grantId, { time }, 'a test');
    const before = run.token;
    expect((await run.renew()).getTime()).toBeGreaterThan(Date.parse(time.expiresAt));
    expect(run.token).not.toBe(before); // of another end: the first one's was an hour away
    const other = await continueRun(new BailiwickClient({ url: stack.url, key: run.token }), run.token);
    expect([other.id, other.treeId, other.grantId]).toEqual([run.id, run.treeId, run.grantId]);
    await expect(other.guard({ ...READ, run: () => 'text' })({})).resolves.toBe('text');
    await run.complete();
    other.close();
  });

  it('passes the trace context of its caller to the tool', async () => {
    const run = await open();
    const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
    const guarded = run.guard({ ...READ, run: (_args, { trace }) => trace });
    await expect(guarded({}, { trace: { traceparent } })).resolves.toEqual({ traceparent });
  });
});
