import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bailiwick, type Ran } from '../support/cli';
import { Stack } from '../support/stack';

/** Covers the command line as people and scripts use it: exit code 0 done, 1 refused or failed a check, 2 bad usage. */
describe('bailiwick', () => {
  let stack: Stack;
  const run = (...args: string[]): Promise<Ran> => bailiwick(['--data', stack.dataDir, ...args]);
  const json = async (...args: string[]): Promise<Record<string, unknown>> => {
    const ran = await run('--json', ...args);
    expect([ran.code, ran.err]).toEqual([0, '']);
    return JSON.parse(ran.out) as Record<string, unknown>;
  };
  beforeAll(async () => {
    stack = await Stack.start();
  }, 120_000);
  afterAll(() => stack.stop());

  it('reports which services are running', async () => {
    const status = await json('status');
    expect(status).toMatchObject({
      url: stack.url,
      postgres: { pid: expect.any(Number) },
      nats: { pid: expect.any(Number) },
    });
    expect(
      (status.services as { name: string; state: string }[]).map((each) => `${each.name} ${each.state}`).sort(),
    ).toEqual(['delegation running', 'gateway running', 'intent running', 'ledger running']);
  });

  it('opens a run, delegates, acts, shows the tree, revokes, and follows it in the events', async () => {
    const lease =
      '{"actions":{"allow":["file.*"]},"resources":[{"type":"file","match":"**"}],"delegation":{"depth":2,"children":3,"classes":["*"]}}';
    const root = await json(
      'run',
      'open',
      '--class',
      'tester',
      '--for',
      'user:me@example.com',
      '--purpose',
      'try the command line',
      '--grant',
      lease,
    );
    const grantId = (root.grant as { id: string }).id;
    const treeId = (root.run as { treeId: string }).treeId;
    const child = await json(
      'delegate',
      grantId,
      '--class',
      'reader',
      '--task',
      'read',
      '--grant',
      '{"actions":{"allow":["file.read"]}}',
    );
    const childId = (child.grant as { id: string }).id;
    const permitted = await run('act', childId, 'file.read', 'file:README.md', '--done');
    expect([permitted.code, permitted.out]).toEqual([0, expect.stringContaining('permit')]);
    const denied = await run('act', childId, 'file.write', 'file:README.md');
    expect(denied.code).toBe(1);
    expect(`${denied.out}${denied.err}`).toContain('ACTION_NOT_ALLOWED');
    const tree = await run('tree', treeId);
    expect(tree.out).toContain('└─ ');
    expect(tree.out).toContain(childId);
    const dry = await run('revoke', '--class', 'reader', '--dry-run');
    expect([dry.code, dry.out]).toEqual([0, expect.stringContaining('1 × reader')]);
    expect((await run('act', childId, 'file.read', 'file:a')).code).toBe(0);
    const digest = /--digest (\S+)/.exec(dry.out)?.[1] as string;
    await json('delegate', grantId, '--class', 'reader', '--task', 'read more', '--grant', '{}');
    const grown = await run('revoke', '--class', 'reader', '--digest', digest);
    expect([grown.code, grown.err]).toEqual([1, expect.stringContaining('BLAST_RADIUS_GREW')]);
    expect((await run('revoke', '--class', 'reader')).code).toBe(0);
    expect((await run('act', childId, 'file.read', 'file:a')).code).toBe(1);
    expect((await run('revoke', grantId)).code).toBe(0);
    const events = await run('events', '--tree', treeId, '--json');
    const types = events.out
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { type: string }).type);
    expect(types).toEqual(
      expect.arrayContaining(['RunOpened', 'GrantIssued', 'ActionPermitted', 'ActionDenied', 'GrantRevoked']),
    );
  });

  it('requests an approval and decides it', async () => {
    const asked = await json(
      'run',
      'open',
      '--class',
      'tester',
      '--for',
      'user:me@example.com',
      '--purpose',
      'something grave',
      '--ask',
    );
    const approvalId = (asked.approval as { id: string }).id;
    expect((await run('approvals')).out).toContain(approvalId);
    expect((await run('approvals', 'show', approvalId)).out).toContain('something grave');
    expect((await run('approvals', 'approve', approvalId, '--note', 'fine')).code).toBe(0);
    const runId = (asked.run as { id: string }).id;
    expect((await run('run', 'show', runId)).out).toContain('active');
  });

  it('fetches a receipt and verifies it offline; any change is detected', async () => {
    const root = await json(
      'run',
      'open',
      '--class',
      'tester',
      '--for',
      'user:me@example.com',
      '--purpose',
      'a receipt',
    );
    const runId = (root.run as { id: string }).id;
    const file = join(stack.dataDir, 'receipt.json');
    expect((await run('receipt', 'get', runId, '--out', file)).code).toBe(0);
    const good = await run('receipt', 'verify', file, '--key', `${file}.vkey`);
    expect([good.code, good.err]).toEqual([0, '']);
    const envelope = JSON.parse(readFileSync(file, 'utf8')) as { payload: string };
    const statement = Buffer.from(envelope.payload, 'base64').toString().replace('a receipt', 'a rezeipt');
    writeFileSync(
      `${file}.forged`,
      JSON.stringify({ ...envelope, payload: Buffer.from(statement).toString('base64') }),
    );
    const forged = await run('receipt', 'verify', `${file}.forged`, '--key', `${file}.vkey`);
    expect(forged.code).toBe(1);
    expect(forged.out).toContain('✗ the envelope is signed by the log');
    expect((await run('receipt', 'verify', file)).code).toBe(2);
  });

  it('fetches the receipt of a period of a run, verifies it and shows its period in every format', async () => {
    const root = await json('run', 'open', '--class', 'tester', '--for', 'user:me@example.com', '--purpose', 'a day');
    const runId = (root.run as { id: string }).id;
    const file = join(stack.dataDir, 'period.json');
    const [from, until] = [Date.now() - 60_000, Date.now() + 60_000].map((time) => new Date(time).toISOString());
    const period = ['--from', from as string, '--until', until as string];
    expect((await run('receipt', 'get', runId, ...period, '--out', file)).code).toBe(0);
    const good = await run('receipt', 'verify', file, '--key', `${file}.vkey`);
    expect([good.code, good.err]).toEqual([0, '']);
    const named = `from ${from} until ${until}`.replaceAll('.000Z', 'Z');
    expect(good.out).toContain(`, ${named} (not over yet)`);
    for (const format of ['text', 'md', 'html']) {
      const shown = await run('receipt', 'show', file, '--key', `${file}.vkey`, '--format', format);
      expect([format, shown.code]).toEqual([format, 0]);
      expect(shown.out.slice(0, shown.out.indexOf('asked by')).replace(/\\/g, '')).toContain(`${runId}, ${named}`);
    }
    for (const args of [
      [runId, ...period.slice(0, 2)],
      ['--tree', (root.run as { treeId: string }).treeId, ...period],
    ]) {
      const { code, err } = await run('receipt', 'get', ...args);
      expect([code, err]).toEqual([2, expect.stringMatching(/give both --from and --until|only a run has/) as string]);
    }
    const { code, err } = await run('receipt', 'get', runId, '--from', until as string, '--until', from as string);
    expect([code, err]).toEqual([1, expect.stringContaining('`until` must be later than `from`') as string]);
  });

  it('reports bad usage', async () => {
    for (const args of [
      ['nonsense'],
      ['act'],
      ['up', '--port', 'x'],
      ['demo', '--traces', '-', '--limit', 'x'],
      ['up', '--delegations', '0'],
      ['up', '--detach', '--delegations', 'many'],
      ['revoke'],
      ['run', 'open', '--class', 'a', '--for', 'b', '--purpose', 'c', '--grant', '{'],
    ]) {
      const ran = await run(...args);
      expect([args, ran.code]).toEqual([args, 2]);
      expect(ran.err.trim()).not.toBe('');
    }
    const unknown = await run('run', 'show', `run_0_${'0'.repeat(26)}`);
    expect(unknown.code).toBe(1);
    expect(unknown.err).toContain('NOT_FOUND');
  });

  it.each<[string, string, string | undefined, string]>([
    ['that is not there', 'missing.jsonl', undefined, 'missing.jsonl cannot be read: no such file'],
    ['that is not there, gzipped', 'missing.gz', undefined, 'missing.gz cannot be read: no such file'],
    ['that is a folder', '.', undefined, 'it is a folder'],
    ['that is no gzip', 'plain.gz', '{}\n', 'plain.gz cannot be read: its name ends in .gz'],
    ['with a line that is no JSON', 'broken.jsonl', '\n{"id":\n', 'broken.jsonl, line 2 is not JSON'],
    [
      'with a line that is no run',
      'other.jsonl',
      '\n\n{"id":"a"}',
      'other.jsonl, line 3 is not a recorded run: suite:',
    ],
  ])('names a file of recorded runs %s', async (_what, name, content, message) => {
    const file = join(stack.dataDir, name);
    if (content !== undefined) writeFileSync(file, content);
    const ran = await run('demo', '--traces', file);
    expect([ran.code, ran.out, ran.err]).toEqual([2, '', expect.stringContaining(message)]);
    expect(ran.err.trim().split('\n')).toHaveLength(1);
  });

  it('verifies the log: a fold from position 0 gives the live state', async () => {
    const ran = await run('log', 'verify');
    expect([ran.code, ran.out]).toEqual([0, expect.stringContaining('the log verifies')]);
  });

  it('drills in a separate tenant, writes the result as metrics, and refuses a tenant with live runs', async () => {
    const drill = ['drill', '--trees', '2', '--width', '2', '--depth', '1', '--seconds', '1'];
    const metrics = join(stack.dataDir, 'drill.prom');
    const report = await json(...drill, '--metrics', metrics);
    expect(report).toMatchObject({ grants: 6, permitsAfter: 0, alive: 0, recorded: 6, failures: [] });
    expect(report.enforcement).toMatchObject({ log: 'drill/0', confirmed: true });
    expect(report.permits).toBeGreaterThan(0);
    expect(readFileSync(metrics, 'utf8')).toContain('bailiwick_drill_passed{tenant="drill"} 1\n');

    const file = readFileSync(join(stack.dataDir, 'drill-drill.json'), 'utf8');
    const { orchestrator = '' } = (JSON.parse(file) as { keys: Record<string, string> }).keys;
    const grant = { actions: { allow: ['file.read'] }, resources: [{ type: 'file', match: '**' }] };
    const body = { agent: { class: 'honest' }, requestedBy: 'user:ada@example.com', purpose: 'Read', grant };
    await stack.as('orchestrator').as(orchestrator).openRun(body);
    const refused = await run(...drill, '--metrics', metrics);
    expect([refused.code, refused.out, refused.err]).toEqual([1, '', expect.stringContaining('has live runs')]);
    expect(readFileSync(metrics, 'utf8')).toContain('bailiwick_drill_passed{tenant="drill"} 0\n');
    expect((await run('drill', '--tenant', 'default')).code).toBe(2);
  });

  it('shows what enforces the log', async () => {
    expect((await run('points')).out).toContain('all of default/0 is enforced');
  });
});
