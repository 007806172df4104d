import { createPrivateKey } from 'node:crypto';
import { readFileSync, writeFileSync, copyFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { bailiwick, type Ran } from '../support/cli';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import { signCheckpoint } from '@bailiwick/transparency-log/checkpoint';
import { entryHash } from '@bailiwick/transparency-log/hash';
import { makeSigner } from '@bailiwick/transparency-log/note';
import { naiveRoot } from '@bailiwick/transparency-log/testing/naive-tree';
import { databaseUrl } from '../chaos/log';
import { query } from '../support/eventlog-database';
import { http, Stack, until } from '../support/stack';
import { open, read } from './leases';

const CHILD = {
  agent: { class: 'writer' },
  task: 'write',
  grant: { actions: { allow: ['file.*'] }, budget: { writes: 7 } },
};

/** Moves a tenant from one installation to another. */
describe('a whole tenant', () => {
  let old: Stack;
  let fresh: Stack;
  let file: string;
  let runId: string;
  /** of a run that is live in the exporting installation */
  let liveId: string;
  /** an action of that run without an outcome */
  let inFlight: string;
  beforeAll(async () => {
    [old, fresh] = await Promise.all([Stack.start(), Stack.start()]);
    file = join(old.dataDir, 'tenant.ndjson');
  }, 180_000);
  afterAll(() => Promise.all([old, fresh].map((stack) => stack.stop())));

  const cli = (stack: Stack, ...args: string[]): Promise<Ran> => bailiwick(args, { BAILIWICK_DATA: stack.dataDir });
  const counting = (stack: Stack) =>
    query<{ events: string }>(databaseUrl(stack), 'SELECT count(*) AS events FROM event').then(([row]) =>
      Number(row?.events),
    );
  const events = (stack: Stack) =>
    query(
      databaseUrl(stack),
      'SELECT log, position, type, time, body::text, payload::text, tenant, tree_id, run_id, grant_id, action_id, command_id FROM event ORDER BY log, position',
    );
  const verified = async (stack: Stack) =>
    (await http(stack, 'GET', '/v1/log/verification', { key: stack.keys.analyst })).body;

  it('is exported up to the current position and verified during the export', async () => {
    const { run, grant } = await open(old.as('orchestrator'));
    runId = run.id;
    // some readers end a line at U+2028; an argument may contain it
    const asked = read(grant.id);
    const args = { path: 'a\u2028b' };
    for (let i = 0; i < 5; i++) await old.as('enforcer').act({ ...asked, action: { ...asked.action, args } });
    await old.as('orchestrator').complete(run.id);
    const live = await open(old.as('orchestrator'));
    liveId = live.run.id;
    await old.as('orchestrator').as(live.token).delegate(live.grant.id, CHILD);
    inFlight = (await old.as('enforcer').act(read(live.grant.id))).actionId;
    const before = await counting(old);
    const done = await cli(old, 'export', '--out', `${file}.gz`, '--json');
    expect([done.code, done.err]).toEqual([0, '']);
    const report = JSON.parse(done.out) as { events: number; logs: { log: string; size: number; root: string }[] };
    expect(report.events).toBeGreaterThanOrEqual(before);
    expect(report.events).toBeLessThanOrEqual(await counting(old)); // the monitor may score a call at any time
    expect(report.logs.map(({ log, size }) => [log, size])).toEqual([['default/0', report.events]]);
    writeFileSync(file, gunzipSync(readFileSync(`${file}.gz`)));
    expect(existsSync(`${file}.gz.unfinished`)).toBe(false);
  });

  it('is refused if the file differs from the signed checkpoint, and the import does not start', async () => {
    const lines = readFileSync(file, 'utf8').split('\n');
    const spoilt: Record<string, string> = {
      'a body changed': lines.join('\n').replace('file.read', 'file.dead'),
      'an event left out': [...lines.slice(0, 3), ...lines.slice(4)].join('\n'),
      'two of them swapped': [lines[0], lines[2], lines[1], ...lines.slice(3)].join('\n'),
      'cut off': lines.slice(0, -2).join('\n'),
      'with another checkpoint size': lines.join('\n').replace(/"size":\d+/, '"size":1'),
    };
    for (const [what, text] of Object.entries(spoilt)) {
      writeFileSync(`${file}.bad`, text);
      const tried = await cli(fresh, 'import', `${file}.bad`);
      expect([what, tried.code]).toEqual([what, 1]);
    }
    expect(await query(databaseUrl(fresh), 'SELECT FROM import_begun')).toEqual([]);
  });

  it('is refused if its pseudonyms would differ, or if the tenant is not empty', async () => {
    const other = await cli(fresh, 'import', file);
    expect([other.code, other.err]).toEqual([1, expect.stringContaining('pseudonym')]);
    const full = await cli(old, 'import', file);
    expect([full.code, full.err]).toEqual([1, expect.stringContaining('already')]);
    expect(await counting(fresh)).toBe(0);
  });

  it('is refused unless the operator has pinned the signing key, whatever key the export names', async () => {
    const key = fresh.keys.admin as string;
    const header = JSON.parse(readFileSync(file, 'utf8').split('\n')[0] ?? '') as { logs: { vkey: string }[] };
    const begin = (more: object = {}) =>
      http(fresh, 'POST', '/v1/imports', { key, body: { header, otherPseudonyms: true, ...more } });
    expect([(await begin()).status, (await begin()).body.detail]).toEqual([
      409,
      expect.stringContaining('import-keys.json'),
    ]);
    const pins = join(fresh.dataDir, 'import-keys.json');
    const [vkey = ''] = header.logs.map((each) => each.vkey.trim());
    const strange = `other${vkey}`;
    for (const pinned of [
      'no JSON',
      '[]',
      JSON.stringify([{ vkey: strange }]),
      `[{"vkey":"${strange}","vkey":"${vkey}"}]`,
    ]) {
      writeFileSync(pins, pinned);
      expect([pinned, (await begin()).status]).toEqual([pinned, 409]);
    }
    writeFileSync(pins, JSON.stringify([{ vkey }]));
    expect((await begin({ continue: true })).status).toBe(409); // pinned for its history only
    expect(await query(databaseUrl(fresh), 'SELECT FROM import_begun')).toEqual([]);
    expect(await counting(fresh)).toBe(0); // a recorded refusal would make the log non-empty and block every import
  });

  it('is verified again on arrival, independently of the checks of its sender', async () => {
    const [first = '', ...lines] = readFileSync(file, 'utf8').trim().split('\n');
    const key = fresh.keys.admin as string;
    const post = (path: string, body: unknown) => http(fresh, 'POST', path, { key, body });
    const header = JSON.parse(first) as object;
    const made = lines.slice(0, -1).map((line) => JSON.parse(line) as { body: string; position: number });
    expect((await post('/v1/imports', { header, otherPseudonyms: true })).status).toBe(200);
    const gap = await post('/v1/imports/events', { events: made.slice(1) });
    expect([gap.status, gap.body.code]).toEqual([409, 'CONFLICT']);
    const forged = made.map((each, i) =>
      i === 3 ? { ...each, body: each.body.replace('file.read', 'file.dead') } : each,
    );
    await post('/v1/imports/events', { events: forged });
    await post('/v1/imports/completion', {});
    const look = () => http(fresh, 'GET', '/v1/imports', { key });
    await until('the forged import to be refused', async () => (await look()).body.state === 'refused');
    expect((await look()).body.detail).toContain('root');
    expect(await counting(fresh)).toBe(0);
  });

  it('is refused if its events break a rule, even if the pinned key signed them', async () => {
    const [first = '', ...lines] = readFileSync(file, 'utf8').trim().split('\n');
    const key = fresh.keys.admin as string;
    const post = (path: string, body: unknown) => http(fresh, 'POST', path, { key, body });
    const header = JSON.parse(first) as { logs: { vkey: string; size: number }[] };
    const [log] = header.logs;
    const made = lines.slice(0, -1).map((line) => JSON.parse(line) as { body: string; position: number });
    const issued = made.findIndex(({ body }) => body.includes('"GrantIssued"') && body.includes('"writes":7'));
    // a child that may write more often than its parent (I1)
    const wide = made.map((each, i) =>
      i === issued ? { ...each, body: each.body.replace('"writes":7', '"writes":7000') } : each,
    );
    const root = naiveRoot(wide.map(({ body }) => entryHash(body)));
    const origin = log?.vkey.split('+')[0] as string;
    const signer = makeSigner(origin, createPrivateKey(readFileSync(join(old.dataDir, 'keys', 'log.pem'))));
    const checkpoint = signCheckpoint({ origin, size: BigInt(wide.length), root }, [signer]);
    const forged = { ...header, logs: [{ ...log, root: root.toString('base64'), checkpoint }] };
    const started = await post('/v1/imports', { header: forged, otherPseudonyms: true });
    expect([started.status, started.body]).toMatchObject([200, {}]);
    expect((await post('/v1/imports/events', { events: wide })).status).toBe(200);
    await post('/v1/imports/completion', {});
    const look = () => http(fresh, 'GET', '/v1/imports', { key });
    await until('the import to be refused', async () => (await look()).body.state === 'refused');
    expect((await look()).body.detail).toMatch(new RegExp(`default/0: position ${issued}: .*\\(attenuation\\)$`));
    expect(await counting(fresh)).toBe(0);
  });

  it('resumes after a kill of the owners and becomes visible once complete, with the same events and root', async () => {
    copyFileSync(join(old.dataDir, 'keys', 'pseudonym.key'), join(fresh.dataDir, 'keys', 'pseudonym.key'));
    await fresh.down();
    await fresh.up();
    const [first = '', ...lines] = readFileSync(file, 'utf8').trim().split('\n');
    const key = fresh.keys.admin as string;
    const post = (path: string, body: unknown) => http(fresh, 'POST', path, { key, body });
    await post('/v1/imports', { header: JSON.parse(first) });
    await post('/v1/imports/events', { events: lines.slice(0, 3).map((line) => JSON.parse(line) as object) });
    for (const { name, pid } of fresh.status().services)
      if (name.startsWith('delegation')) process.kill(pid, 'SIGKILL');
    expect(await counting(fresh)).toBe(0);
    const done = await cli(fresh, 'import', `${file}.gz`, '--json');
    expect([done.code, done.err]).toEqual([0, '']);
    const size = (JSON.parse(done.out) as { events: number }).events;
    expect((await events(fresh)).slice(0, size)).toEqual((await events(old)).slice(0, size));
    // this installation serves its live state and read models, and signs its proofs
    expect(await fresh.as('analyst').run(runId)).toMatchObject({
      status: 'completed',
      requestedBy: 'user:owner@example.com',
    });
    await until('its ledger to have followed', async () => (await verified(fresh)).ok === true);
    // imported leases have no authority here and are marked as imported
    expect(await fresh.as('analyst').run(liveId)).toMatchObject({ status: 'revoked', imported: true });
    const ofLive = (await http(fresh, 'GET', `/v1/actions?runId=${liveId}`, { key: fresh.keys.analyst })).body.items;
    expect(ofLive).toEqual([expect.objectContaining({ id: inFlight, imported: true })]);
    expect(JSON.stringify(await fresh.as('analyst').custody(inFlight))).toContain('ActionAbandoned');
    const vkey = await fresh.as('analyst').verifierKey('default/0');
    const { ok, statement } = verifyReceipt(await fresh.as('analyst').receipt(runId), vkey);
    expect([ok, statement?.predicate.imported]).toMatchObject([true, [{ events: size, live: false }]]);
    expect(statement?.predicate.doesNotProve.join('\n')).toContain('this installation did not decide them');
    const again = await cli(fresh, 'export', '--out', `${file}.again`, '--json');
    expect(again.code).toBe(0);
    const one = readFileSync(file, 'utf8')
      .split('\n')
      .slice(1, size + 1);
    expect(
      readFileSync(`${file}.again`, 'utf8')
        .split('\n')
        .slice(1, size + 1),
    ).toEqual(one);
    expect((await cli(fresh, 'import', file)).code).toBe(0); // a repeated import changes nothing
    await open(fresh.as('orchestrator'));
    expect(await verified(fresh)).toMatchObject({ ok: true, findings: [] });
  }, 120_000);
});
