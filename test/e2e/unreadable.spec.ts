import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ProblemError } from '@bailiwick/client/client';
import { databaseUrl, LOG, sql } from '../chaos/log';
import { bailiwick } from '../support/cli';
import { http, Stack, until } from '../support/stack';
import { open, read } from './leases';

/** Returns the code of the refusal, or `ok` if there is none. */
const codeOf = (asked: Promise<unknown>): Promise<string> =>
  asked.then(
    () => 'ok',
    (error: unknown) => (error instanceof ProblemError ? error.code : String(error)),
  );

interface Ready {
  readonly status: string;
  readonly problems: Record<string, number>;
}

describe('issue 13.0: an unreadable event in a log', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start();
  }, 120_000);
  afterAll(() => stack.stop());

  const ready = async (): Promise<Ready & { code: number }> => {
    const response = await fetch(`${stack.url}/readyz`);
    return { code: response.status, ...((await response.json()) as Ready) };
  };
  const cli = (...args: string[]): ReturnType<typeof bailiwick> => bailiwick(['--data', stack.dataDir, ...args]);
  const sees = (count: number | undefined): Promise<void> =>
    until('readyz to count it', async () => (await ready()).problems['unreadable-event'] === count);

  /** Bypasses every rule, as a holder of the database's password can: inserts a row at the end of the log. */
  async function insert(treeId: string | undefined): Promise<number> {
    const url = databaseUrl(stack);
    const [last] = await sql<{ next: string }>(url, 'SELECT max(position) + 1 AS next FROM event WHERE log = $1', [
      LOG,
    ]);
    const position = Number(last?.next);
    const commandId = `cmd_${randomUUID()}`;
    const like = { log: LOG, position, id: `evt_${position}`, tenant: 'default', commandId };
    const time = new Date().toISOString();
    const body = JSON.stringify({
      ...like,
      type: 'ActionDenied',
      time,
      ...(treeId ? { treeId } : {}),
      data: { labels: 99 },
    });
    await sql(
      url,
      `INSERT INTO event (log, position, type, time, body, tenant, tree_id, command_id)
       VALUES ($1, $2, 'ActionDenied', $3, $4, 'default', $5, $6)`,
      [LOG, position, time, body, treeId ?? null, commandId],
    );
    return position;
  }

  it('is not written by a denied call of an agent with the maximum number of labels; later requests succeed', async () => {
    const { run, grant, token } = (await open(stack.as('orchestrator'), {
      actions: { allow: ['*'], deny: ['email.read'] },
    })) as { run: { id: string }; grant: { id: string }; token: string };
    const labels = Array.from({ length: 32 }, (_, i) => `label${i}`);
    const asked = { ...read(grant.id), action: { verb: 'email.read' }, labels };
    const response = await fetch(`${stack.url}/v1/actions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify(asked),
    });
    expect([response.status, await response.json()]).toEqual([200, expect.objectContaining({ decision: 'deny' })]);
    const analyst = stack.as('analyst');
    expect(await codeOf(analyst.events({ limit: 100 }))).toBe('ok');
    expect(await codeOf(analyst.receipt(run.id))).toBe('ok');
    expect(await ready()).toMatchObject({ code: 200, status: 'ok', problems: {} });
    expect((await cli('log', 'verify')).out).toContain('the log verifies');
  }, 60_000);

  it('makes the owner set its tree aside; other trees are served, and an operator ends it', async () => {
    const orchestrator = stack.as('orchestrator');
    const enforcer = stack.as('enforcer');
    const mine = await open(orchestrator);
    const other = await open(orchestrator);
    const position = await insert(mine.run.treeId);
    // the owner's next append finds the position taken: it reloads the log and so reads the event
    await until(
      'the owner to find it',
      async () => (await codeOf(enforcer.act(read(mine.grant.id)))) === 'TREE_SET_ASIDE',
    );
    expect(await codeOf(enforcer.act(read(other.grant.id)))).toBe('ok');
    expect(await codeOf(open(orchestrator))).toBe('ok');
    await sees(1);
    expect(await ready()).toMatchObject({ code: 200, status: 'degraded' });
    const headers = { authorization: `Bearer ${stack.keys.analyst}` };
    const metrics = await fetch(`${stack.url}/metrics`, { headers });
    expect(await metrics.text()).toContain('bailiwick_unreadable_events 1');
    const status = await cli('status');
    expect([status.code, status.out]).toEqual([0, expect.stringContaining('degraded')]);

    const analyst = stack.as('analyst');
    const { items } = await analyst.events({ after: position - 1, limit: 1 });
    expect(items).toMatchObject([{ position, unreadable: true, type: 'ActionDenied' }]);
    expect(await codeOf(analyst.receipt(mine.run.id))).toBe('TREE_SET_ASIDE');
    expect(await codeOf(analyst.receipt(other.run.id))).toBe('ok');
    const verified = await cli('log', 'verify');
    expect([verified.code, verified.out]).toEqual([
      1,
      expect.stringContaining(`position ${position}: the body cannot be read`),
    ]);

    const file = join(stack.dataDir, 'export.ndjson');
    const exported = await cli('export', '--out', file);
    const replayed = await http(stack, 'POST', '/v1/replays', {
      key: stack.keys.analyst,
      body: { change: { drift: { suspendAt: 0.7 } } },
    });
    const replay = JSON.stringify(replayed.body);
    expect([replayed.status, replay]).toEqual([200, expect.stringContaining('"differ":0')]);
    expect(replay).toContain('Stored events that cannot be read (1) are passed over');
    // exports the stored bytes unchanged: the root of the export is that of the log
    expect([exported.code, exported.err]).toEqual([0, '']);
    expect(readFileSync(file, 'utf8')).toContain('\\"labels\\":99');
    const listed = await cli('log', 'repair', '--json');
    const [found] = (JSON.parse(listed.out) as { items: { position: number; bodyDigest: string }[] }).items;
    expect(found).toMatchObject({ position, holdsUp: 'tree', treeId: mine.run.treeId });
    expect(await codeOf(stack.as('responder').revoke(mine.grant.id, 'it cannot be read'))).toBe('ok');
    const repaired = await cli(
      'log',
      'repair',
      '--position',
      String(position),
      '--digest',
      found?.bodyDigest ?? '',
      '--reason',
      'examined',
    );
    expect([repaired.code, repaired.out]).toEqual([0, expect.stringContaining('set aside')]);
    await sees(undefined);
    expect(await ready()).toMatchObject({ code: 200, status: 'ok' });
    expect(await codeOf(enforcer.act(read(other.grant.id)))).toBe('ok');
  }, 120_000);

  it('without a tree makes the log accept only revocations, even after a restart, until an operator has examined it', async () => {
    const orchestrator = stack.as('orchestrator');
    const { grant } = await open(orchestrator);
    const position = await insert(undefined);
    await until('the owner to find it', async () => (await codeOf(open(orchestrator))) === 'LOG_IN_DOUBT');
    await stack.down();
    await stack.up();
    await sees(1);
    expect(await codeOf(open(stack.as('orchestrator')))).toBe('LOG_IN_DOUBT');
    expect(await codeOf(stack.as('responder').revoke(grant.id, 'in doubt'))).toBe('ok');
    const [found] = (await stack.as('admin').unreadable()).items;
    expect(found).toMatchObject({ position, holdsUp: 'log' });
    expect(await codeOf(stack.as('admin').setAside({ position, bodyDigest: `sha256:${'0'.repeat(64)}` }))).toBe(
      'CONFLICT',
    );
    expect(await codeOf(stack.as('admin').setAside({ position, bodyDigest: found?.bodyDigest ?? '' }))).toBe('ok');
    expect(await codeOf(open(stack.as('orchestrator')))).toBe('ok');
    await sees(undefined);
  }, 180_000);
});
