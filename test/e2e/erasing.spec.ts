import { verifyReceipt } from '@bailiwick/receipts/verify';
import { Client } from 'pg';
import { query } from '../support/eventlog-database';
import { databaseUrl } from '../chaos/log';
import { bailiwick } from '../support/cli';
import { http, Stack, until } from '../support/stack';
import { read, WIDE } from './leases';

const ANN = 'user:ann.example@example.com';
const DORA = 'user:dora@example.com';
const BEN = 'user:ben.example@example.com';

/** Returns every table that contains a text, once per row. */
async function rowsWith(url: string, text: string): Promise<string[]> {
  const tables = await query<{ name: string }>(
    url,
    "SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables WHERE schemaname IN ('public', 'ledger', 'intent')",
  );
  const found: string[] = [];
  for (const { name } of tables) {
    const rows = await query<{ found: string }>(
      url,
      `SELECT count(*) AS found FROM ${name} AS each WHERE each::text LIKE $1`,
      [`%${text}%`],
    );
    if (Number(rows[0]?.found) > 0) found.push(name);
  }
  return found;
}

describe('the erasure of payloads about a person', () => {
  let stack: Stack;
  let url: string;
  beforeAll(async () => {
    stack = await Stack.start();
    url = databaseUrl(stack);
  }, 120_000);
  afterAll(() => stack.stop());

  /** Opens a run that stores a word in every field that takes text. */
  async function wordy(requestedBy: string, word: string): Promise<{ runId: string; treeId: string }> {
    const answer = await stack.as('orchestrator').openRun({
      agent: { class: 'tester' },
      requestedBy,
      purpose: `Investigate ${word}`,
      grant: WIDE,
    });
    if (!('grant' in answer)) throw new Error('this lease should not have required approval');
    const { run, grant } = answer;
    const enforcer = stack.as('enforcer');
    const asked = read(grant.id);
    const { actionId } = await enforcer.act({ ...asked, action: { ...asked.action, args: { path: word } } });
    await enforcer.settle(actionId, {
      status: 'completed',
      preview: `found ${word}`,
      effects: { resources: [], filesChanged: [], external: [] },
    });
    await stack.as('orchestrator').escalate(run.id, { budget: { calls: 2_000 } }, `needs more of ${word}`);
    await stack
      .as('responder')
      .revokeAll({ selector: { principal: requestedBy }, reason: `stop ${word}`, force: true });
    return { runId: run.id, treeId: run.treeId };
  }

  const cli = (args: string[]) => bailiwick(args, { BAILIWICK_DATA: stack.dataDir });
  const verification = async () =>
    (await http(stack, 'GET', '/v1/log/verification', { key: stack.keys.analyst })).body as {
      ok: boolean;
      findings: string[];
      position: number;
    };
  const receiptOf = async (runId: string) => {
    const vkey = await stack.as('analyst').verifierKey('default/0');
    return verifyReceipt(await stack.as('analyst').receipt(runId), vkey);
  };

  it('removes their text everywhere; events, decisions, proofs and the data of others remain', async () => {
    const ann = await wordy(ANN, 'quokkaword');
    const ben = await wordy(BEN, 'numbatword');
    const before = await stack.as('analyst').receipt(ann.runId);
    const vkey = await stack.as('analyst').verifierKey('default/0');
    const bodies = await query(url, 'SELECT position, body::text FROM event ORDER BY position');
    expect(await rowsWith(url, 'quokkaword')).toEqual(['public.event']);

    const preview = await cli(['erase', '--subject', ANN, '--dry-run', '--json']);
    expect(JSON.parse(preview.out)).toMatchObject({ runs: 1, trees: 1, liveRuns: 0 });
    expect(await rowsWith(url, 'quokkaword')).toEqual(['public.event']); // only counted
    const done = await cli(['erase', '--subject', ANN.toUpperCase(), '--reason', 'on request', '--json']);
    expect([done.code, JSON.parse(done.out)]).toMatchObject([0, { done: true, erasure: { runs: 1 } }]);

    expect(await rowsWith(url, 'quokkaword')).toEqual([]);
    expect(await rowsWith(url, 'ann.example')).toEqual([]);
    expect(await rowsWith(url, 'numbatword')).toEqual(['public.event']);
    expect(await stack.as('analyst').run(ann.runId)).toMatchObject({ purpose: null, requestedBy: null });
    expect(await stack.as('analyst').run(ben.runId)).toMatchObject({ requestedBy: BEN });
    const after = await query(url, 'SELECT position, body::text FROM event ORDER BY position LIMIT $1', [
      bodies.length,
    ]);
    expect(after).toEqual(bodies);
    expect(await verification()).toMatchObject({ ok: true, findings: [] });
    expect(verifyReceipt(before, vkey).ok).toBe(true); // a receipt issued before the erasure still verifies
    const now = await receiptOf(ann.runId);
    expect([now.ok, JSON.stringify(now.statement)]).toEqual([true, expect.not.stringContaining('quokkaword')]);

    // nothing is left to erase: the command reports that and writes no event
    const again = await cli(['erase', '--subject', ANN]);
    expect([again.code, again.err]).toEqual([1, expect.stringContaining('NOT_FOUND')]);
  }, 120_000);

  it('reaches the name of an approver: cards, custody and receipts name them until then', async () => {
    const admin = stack.keys.admin as string;
    const as = (key: string, method: string, path: string, body?: unknown) => http(stack, method, path, { key, body });
    const keyFor = async (person: string) =>
      (await as(admin, 'POST', '/v1/keys', { name: person.slice(5, 8), person, role: 'approver' })).body as unknown as {
        id: string;
        key: string;
        ref: string;
      };
    const [dora, eric] = [await keyFor(DORA), await keyFor('user:eric@example.com')];
    const deploy = async () =>
      stack
        .as('admin')
        .deployPolicy(
          { 'a.yaml': `approvals: [{ name: dora-alone, by: { people: ["${DORA}"] } }]` },
          (await stack.as('admin').policies()).current,
        );
    await deploy();
    const ask = async () => {
      const asked = await stack.as('orchestrator').openRun({
        agent: { class: 'tester' },
        requestedBy: BEN,
        purpose: 'Be approved',
        grant: WIDE,
        requireApproval: true,
      });
      return (asked as unknown as { approval: { id: string } }).approval.id;
    };
    const approvalId = await ask();
    const asEric = (id: string) => as(eric.key, 'POST', `/v1/approvals/${id}/decision`, { verdict: 'approve' });
    expect((await asEric(approvalId)).body).toMatchObject({
      status: 403,
      detail: expect.stringContaining('requires user:dora@example.com') as string,
    });
    const decided = await as(dora.key, 'POST', `/v1/approvals/${approvalId}/decision`, { verdict: 'approve' });
    expect(decided).toMatchObject({ status: 200, body: { names: { [dora.ref]: DORA } } });
    const { run, token } = decided.body as { run: { id: string }; token: string };
    const grantId = (decided.body.grant as { id: string }).id;
    const { actionId } = await stack.as('enforcer').act(read(grantId));
    const analyst = stack.keys.analyst as string;
    const named = async () => {
      const paths = [`approvals/${approvalId}`, `actions/${actionId}/custody`, `runs/${run.id}`, `grants/${grantId}`];
      const views = await Promise.all(paths.map((path) => as(analyst, 'GET', `/v1/${path}`)));
      return views.map(({ body }) => (body.names as Record<string, unknown> | undefined)?.[dora.ref]);
    };
    expect(await named()).toEqual([DORA, DORA, DORA, undefined]); // a lease names no person
    expect((await cli(['approvals', 'show', approvalId])).out).toContain(`used by ${DORA}`);

    // neither the run itself, nor what runs next to agents, nor another tenant, nor the log or a file of logs
    const seen = [
      await as(token, 'GET', `/v1/approvals/${approvalId}`),
      await as(token, 'GET', `/v1/runs/${run.id}/receipt`),
      await as(stack.keys.orchestrator as string, 'GET', `/v1/runs/${run.id}`),
      await as(stack.keys.enforcer as string, 'GET', `/v1/approvals/${approvalId}`),
    ];
    expect(seen.map(({ status }) => status)).toEqual([200, 200, 200, 200]);
    expect(JSON.stringify(seen)).not.toContain('dora');
    expect(seen[1]?.body).not.toHaveProperty('names');
    expect((await rowsWith(url, 'dora@example.com')).sort()).toEqual(['public.access_key', 'public.person_name']);

    const kept = await stack.as('analyst').receipt(run.id);
    const refused = await as(admin, 'POST', '/v1/erasures', { subject: DORA });
    expect([refused.status, refused.body.detail]).toEqual([409, expect.stringContaining(dora.id)]); // a key names them
    expect((await as(admin, 'DELETE', `/v1/keys/${dora.id}`)).status).toBe(200);
    const done = await cli(['erase', '--subject', DORA, '--json']);
    expect(JSON.parse(done.out)).toMatchObject({ done: true, erasure: { payloads: 0, name: true } });

    expect(await rowsWith(url, 'dora@example.com')).toEqual([]);
    await deploy(); // names them again, and records no name
    expect(await named()).toEqual([null, null, null, undefined]);
    const receipt = (await cli(['receipt', 'get', run.id, '--format', 'text'])).out;
    expect(receipt).toContain(`erased person ${dora.ref.slice(0, 12)}`);
    expect(receipt).toMatch(/^Verified/m);
    const vkey = await stack.as('analyst').verifierKey('default/0');
    expect(verifyReceipt(kept, vkey)).toMatchObject({ ok: true, names: { [dora.ref]: DORA } });
    expect(await rowsWith(url, 'dora@example.com')).toEqual([]);
    // who may approve did not change: the person whose name was erased, and no other
    expect((await asEric(await ask())).body).toMatchObject({
      status: 403,
      detail: expect.stringContaining('requires erased person') as string,
    });
    expect(await verification()).toMatchObject({ ok: true, findings: [] });
  }, 120_000);

  it('continues after the owner is killed between the event and the deletion', async () => {
    await wordy('user:cat@example.com', 'bilbyword');
    const holder = new Client({ connectionString: url });
    await holder.connect();
    await holder.query('BEGIN;');
    await holder.query("SELECT FROM event WHERE payload::text LIKE '%bilbyword%' FOR UPDATE");
    const unanswered = http(stack, 'POST', '/v1/erasures', {
      key: stack.keys.admin,
      body: { subject: 'user:cat@example.com', reason: 'on request' },
    }).catch(() => undefined);
    const recorded = async () =>
      (await query(url, "SELECT FROM event WHERE type = 'PayloadsErased' AND payload IS NOT NULL")).length > 0;
    await until('the erasure to be recorded', recorded);
    expect(await rowsWith(url, 'bilbyword')).toEqual(['public.event']);
    // the gateway too: its retry would prompt the next owner
    for (const { name, pid } of stack.status().services)
      if (/^(gateway|delegation)/.test(name)) process.kill(pid, 'SIGKILL');
    await query(
      url,
      "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'bailiwick-erasure'",
    );
    await holder.query('ROLLBACK');
    await holder.end();
    await until('the next owner to have erased it', async () => (await rowsWith(url, 'bilbyword')).length === 0);
    await unanswered;
    const isReady = async () => (await http(stack, 'GET', '/readyz').catch(() => undefined))?.status === 200;
    await until('the killed gateway to be ready again', isReady);
    expect(await verification()).toMatchObject({ ok: true, findings: [] });
  }, 120_000);
});
