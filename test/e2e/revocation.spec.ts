import { bailiwick } from '../support/cli';
import { http, Stack, until } from '../support/stack';
import { open, read } from './leases';

/** Covers the actions of on-call engineers and their effects. */
describe('a responder', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.tenant();
  }, 120_000);
  afterAll(() => stack.stop());

  const decision = async (grantId: string): Promise<string> => (await stack.as('enforcer').act(read(grantId))).decision;

  it('stops a lease with its descendants, but not its siblings', async () => {
    const root = await open(stack.as('orchestrator'));
    const agent = stack.as('orchestrator').as(root.token);
    const lease = {
      agent: { class: 'child' },
      task: 'x',
      grant: { actions: { allow: ['file.read'] }, delegation: { depth: 2, children: 5, classes: ['*'] } },
    };
    const [left, right] = [await agent.delegate(root.grant.id, lease), await agent.delegate(root.grant.id, lease)];
    const below = await agent
      .as(left.token)
      .delegate(left.grant.id, { ...lease, grant: { actions: { allow: ['file.read'] } } });
    const { revocationId, positions } = await stack.as('responder').revoke(left.grant.id, 'compromised');
    expect(revocationId).toMatch(/^rev_/);
    expect(Object.keys(positions)).toEqual([stack.log]);
    expect(await decision(left.grant.id)).toBe('deny');
    expect(await decision(below.grant.id)).toBe('deny');
    expect(await decision(right.grant.id)).toBe('permit');
    expect((await stack.as('analyst').grant(below.grant.id)).blockedBy?.grantId).toBe(left.grant.id);
  });

  it('previews the blast radius of a class and stops it with one event', async () => {
    const grants = await Promise.all([1, 2, 3].map(() => open(stack.as('orchestrator'), {}, 'scraper')));
    const other = await open(stack.as('orchestrator'), {}, 'writer');
    const preview = await stack.as('responder').previewRevocation({ agentClass: 'scraper' });
    expect(preview.counts).toMatchObject({ grants: 3, runs: 3, trees: 3 });
    const before = await stack.as('analyst').events({ after: -1, limit: 1_000, type: 'RevocationRuleAdded' });
    const done = await stack
      .as('responder')
      .revokeAll({ selector: { agentClass: 'scraper' }, reason: 'they misbehave', digest: preview.digest });
    for (const { grant } of grants) expect(await decision(grant.id)).toBe('deny');
    expect(await decision(other.grant.id)).toBe('permit');
    const after = await stack.as('analyst').events({
      after: -1,
      limit: 1_000,
      type: 'RevocationRuleAdded',
      minPosition: done.positions[stack.log] as number,
    });
    expect(after.items.length - before.items.length).toBe(1); // I6: one event per log, however many grants it revokes
    // a grant issued to that class afterwards is not affected
    expect(await decision((await open(stack.as('orchestrator'), {}, 'scraper')).grant.id)).toBe('permit');
    const progress = await http(stack, 'GET', `/v1/revocations/${done.revocationId}`, { key: stack.keys.responder });
    expect(progress.status).toBe(200);
    expect(JSON.stringify(progress.body)).toContain(grants[0]?.grant.id as string);
  });

  it('suspends a class until it is resumed, with one event each, and the lists and receipts show it', async () => {
    const [client, analyst] = [stack.as('responder'), stack.as('analyst')];
    const { grant, run } = await open(stack.as('orchestrator'), {}, 'sleeper');
    const { digest } = await client.previewRevocation({ agentClass: 'sleeper' });
    const body = { selector: { agentClass: 'sleeper' }, mode: 'suspend', digest } as const;
    const { revocationId, positions } = await client.revokeAll({ ...body, reason: 'under review' });
    expect(await decision(grant.id)).toBe('deny');
    const listed = async (at: number | undefined, status: string): Promise<string> =>
      JSON.stringify(
        (await http(stack, 'GET', `/v1/grants?status=${status}&minPosition=${at}`, { key: stack.keys.analyst })).body,
      );
    expect(await listed(positions[stack.log], 'suspended')).toContain(grant.id);
    await expect(client.resume(grant.id, 'x')).rejects.toMatchObject({ code: 'CONFLICT' });
    const lifted = await client.resumeAll(revocationId, 'it is fine');
    expect(await decision(grant.id)).toBe('permit');
    const at = lifted.positions[stack.log];
    expect(await listed(at, 'active')).toContain(grant.id);
    const path = `/v1/runs/${run.id}/receipt?minPosition=${at}`;
    const { body: receipt } = await http(stack, 'GET', path, { key: stack.keys.analyst });
    const { predicate } = JSON.parse(Buffer.from(String(receipt.payload), 'base64').toString()) as {
      predicate: { suspensions: object[]; revoked: object[]; ended: unknown };
    };
    expect(predicate.suspensions).toEqual([
      expect.objectContaining({
        reason: `suspended by key:responder (${revocationId})`,
        resumedAt: expect.any(String) as string,
      }),
    ]);
    expect([predicate.revoked, predicate.ended]).toEqual([[], null]);
    const record = await analyst.revocation(revocationId);
    expect(record).toMatchObject({ mode: 'suspend', reason: 'under review', counts: { grants: 1 } });
    expect(record.resumedAt).toBeDefined();
  });

  it('lists the suspensions and quarantines that apply, newest first, and lifts them', async () => {
    const [client, path] = [stack.as('responder'), '/v1/revocations'];
    const stop = async (more: object): Promise<string> =>
      (await client.revokeAll({ reason: 'under review', force: true, ...more } as never)).revocationId;
    const ended = await stop({ selector: { agentClass: 'listed-a' } }); // for good: there is nothing to lift
    const past = new Date(Date.now() + 1_500).toISOString();
    const brief = await stop({ selector: { agentClass: 'listed-b' }, mode: 'suspend', until: past });
    const held = await stop({ selector: { agentClass: 'listed-c' }, mode: 'suspend', incident: 'INC-7' });
    const refused = await stop({ selector: { agentClass: 'listed-d' }, quarantine: true });
    const denied = await stop({ selector: { verb: 'listed.*' }, quarantine: true });
    const listed = async (): Promise<string[]> =>
      (await client.revocationsInForce()).items.map(({ revocationId }) => revocationId);

    await until('the end of a suspension', async () => !(await listed()).includes(brief));
    const { items, next } = await client.revocationsInForce();
    const own = items.filter(({ revocationId }) => [ended, held, refused, denied].includes(revocationId));
    expect(own).toMatchObject([
      { revocationId: denied, target: 'tool', quarantine: true },
      { revocationId: refused, quarantine: true, selector: { agentClass: 'listed-d' }, by: 'key:responder' },
      { revocationId: held, mode: 'suspend', reason: 'under review', incident: 'INC-7' },
    ]);
    expect(next).toBeNull();

    // page by page, each is listed once
    const paged: string[] = [];
    for (let after: string | null = ''; after !== null;) {
      const page = await http(stack, 'GET', `${path}?limit=1${after}`, { key: stack.keys.analyst });
      paged.push((page.body.items as { revocationId: string }[])[0]?.revocationId as string);
      after = page.body.next === null ? null : `&before=${page.body.next as number}`;
    }
    expect(paged).toEqual(await listed());

    const shown = await bailiwick(['--data', stack.dataDir, 'revocations']);
    expect(shown.out).toMatch(new RegExp(`${held} +suspends +agentClass=listed-c .*INC-7: under review`));
    expect(shown.out).toMatch(new RegExp(`${refused} +refuses new +agentClass=listed-d `));
    expect((await bailiwick(['--data', stack.dataDir, 'lift', refused])).out).toContain(
      `lifted the quarantine of ${refused}`,
    );
    await client.resumeAll(held, 'it is fine');
    expect((await listed()).filter((id) => [held, refused, denied].includes(id))).toEqual([denied]);
    await client.liftQuarantine(denied);
  });

  it('gets 409 if the blast radius has grown since the preview, and nothing is stopped', async () => {
    const first = await open(stack.as('orchestrator'), {}, 'crawler');
    const preview = await stack.as('responder').previewRevocation({ agentClass: 'crawler' });
    await open(stack.as('orchestrator'), {}, 'crawler');
    const body = { selector: { agentClass: 'crawler' }, reason: 'x', digest: preview.digest };
    const refused = await http(stack, 'POST', '/v1/revocations', { key: stack.keys.responder, body });
    expect([refused.status, refused.body.code]).toEqual([409, 'BLAST_RADIUS_GREW']);
    expect(JSON.stringify(refused.body)).toContain('"grants":2');
    expect(await decision(first.grant.id)).toBe('permit');
    expect(refused.body.grew).toMatchObject({ since: preview.asOf, counts: { grants: 1 }, byClass: { crawler: 1 } });
    // the refusal contains the current preview: a request with its digest succeeds
    const { digest } = refused.body.preview as { digest: string };
    const again = await http(stack, 'POST', '/v1/revocations', {
      key: stack.keys.responder,
      body: { ...body, digest, selector: { agentClass: 'crawler', treeId: first.run.treeId } },
    });
    expect([again.status, again.body.code]).toEqual([409, 'BLAST_RADIUS_GREW']); // but only for that selector
    const unseen = await http(stack, 'POST', '/v1/revocations', {
      key: stack.keys.responder,
      body: { selector: body.selector, reason: 'x' },
    });
    expect(unseen.status).toBeGreaterThanOrEqual(400); // neither digest nor force
    const seen = await http(stack, 'POST', '/v1/revocations', { key: stack.keys.responder, body: { ...body, digest } });
    expect(seen.status).toBe(200);
    expect(await decision(first.grant.id)).toBe('deny');
    const late = await open(stack.as('orchestrator'), {}, 'crawler');
    const forced = await http(stack, 'POST', '/v1/revocations', {
      key: stack.keys.responder,
      body: { ...body, digest: undefined, force: true },
    });
    expect(forced.status).toBe(200);
    expect(await decision(late.grant.id)).toBe('deny');
  });

  it.each([
    ['principal', { principal: 'user:owner@example.com' }],
    ['model version', { modelVersion: '2026-06' }],
    ['time of issue', { issuedBefore: new Date(Date.now() + 3_600_000).toISOString() }],
  ])('stops by %s', async (_what, selector) => {
    const { grant } = await open(stack.as('orchestrator'));
    const preview = await stack.as('responder').previewRevocation(selector);
    expect(preview.counts.grants).toBeGreaterThan(0);
    await stack.as('responder').revokeAll({ selector: selector, reason: 'x', digest: preview.digest });
    expect(await decision(grant.id)).toBe('deny');
  });

  it('stops by patterns and combinations, by an approver, and shows what the revocation stopped with its incident', async () => {
    const { grant } = await open(stack.as('orchestrator'), {}, 'picker');
    const other = await open(stack.as('orchestrator'), {}, 'picker_');
    const selector = {
      any: [{ agentClass: 'picker', resource: { type: '*', match: '**' } }, { approver: 'user:eve@example.com' }],
      not: { environment: 'prod' },
    };
    const responder = stack.as('responder');
    const preview = await responder.previewRevocation(selector);
    expect(preview.near).toEqual([{ agentClass: 'picker_', selected: 0, spared: 1 }]);
    const done = await responder.revokeAll({ selector, reason: 'leaked', digest: preview.digest, incident: 'INC-7' });
    expect(await decision(grant.id)).toBe('deny');
    expect(await decision(other.grant.id)).toBe('permit');
    const key = stack.keys.responder;
    const record = () => http(stack, 'GET', `/v1/revocations/${done.revocationId}`, { key });
    await until('the record', async () => (await record()).status === 200);
    expect((await record()).body).toMatchObject({
      incident: 'INC-7',
      reason: 'leaked',
      counts: { grants: 1, rows: 1 },
      consequences: [{ grantId: grant.id }],
      next: null,
    });
    const lines = await fetch(`${stack.url}/v1/revocations/${done.revocationId}`, {
      headers: { authorization: `Bearer ${key}`, accept: 'application/x-ndjson' },
    });
    const [item, progress, answer] = (await lines.text())
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect([item, progress]).toMatchObject([{ item: { grantId: grant.id } }, { progress: { done: 1, of: 1 } }]);
    expect(answer).toMatchObject({ answer: { incident: 'INC-7', counts: { grants: 1 } } });
  });

  it('denies a tool by its verb without ending leases, or ends them on request', async () => {
    const { grant } = await open(stack.as('orchestrator'));
    const responder = stack.as('responder');
    const selector = { tool: 'FILE.read' };
    const preview = await responder.previewRevocation(selector);
    expect(preview).toMatchObject({ target: 'tool', targets: { tool: { pendingRuns: 0 } } });
    expect(preview.targets?.leases.grants).toBeGreaterThanOrEqual(preview.counts.grants);
    const done = await responder.revokeAll({ selector, reason: 'x', digest: preview.digest });
    expect(await decision(grant.id)).toBe('deny');
    expect((await stack.as('analyst').grant(grant.id)).status).toBe('active');
    const progress = await http(stack, 'GET', `/v1/revocations/${done.revocationId}`, { key: stack.keys.responder });
    expect(progress.body).toMatchObject({ target: 'tool' });
    // the digest covers the tool only: ending the leases is another revocation
    const body = { selector, target: 'leases', reason: 'x', digest: preview.digest };
    const unseen = await http(stack, 'POST', '/v1/revocations', { key: stack.keys.responder, body });
    expect([unseen.status, unseen.body.code]).toEqual([409, 'BLAST_RADIUS_GREW']);
    const { digest } = unseen.body.preview as { digest: string };
    const ended = await http(stack, 'POST', '/v1/revocations', {
      key: stack.keys.responder,
      body: { ...body, digest },
    });
    expect(ended.status).toBe(200);
    expect((await stack.as('analyst').grant(grant.id)).status).toBe('revoked');
    const misfit = { selector: { agentClass: 'x' }, target: 'tool', reason: 'x', force: true };
    const refused = await http(stack, 'POST', '/v1/revocations', { key: stack.keys.responder, body: misfit });
    expect(refused.status).toBe(400);
  });

  it('stops a run that waits for approval: it is counted, refused at the approval and listed as revoked', async () => {
    const asked = await http(stack, 'POST', '/v1/runs', {
      key: stack.keys.orchestrator,
      body: {
        agent: { class: 'waiter' },
        requestedBy: 'user:owner@example.com',
        purpose: 'wait',
        requireApproval: true,
        grant: { actions: { allow: ['file.read'] }, resources: [{ type: 'file', match: '**' }] },
      },
    });
    expect(asked.status).toBe(202);
    const { run, approval } = asked.body as { run: { id: string }; approval: { id: string } };
    const selector = { agentClass: 'waiter' };
    const preview = await stack.as('responder').previewRevocation(selector);
    expect(preview.counts).toMatchObject({ grants: 0, pendingRuns: 1, pendingApprovals: 1 });
    const done = await stack.as('responder').revokeAll({ selector, reason: 'x', digest: preview.digest });
    const path = `/v1/approvals/${approval.id}`;
    const key = stack.keys.approver;
    const refused = await http(stack, 'POST', `${path}/decision`, { key, body: { verdict: 'approve' } });
    expect([refused.status, refused.body.code]).toEqual([403, 'GRANT_NOT_LIVE']);
    expect(JSON.stringify(refused.body)).toContain(done.revocationId);
    expect((await http(stack, 'GET', path, { key })).body.status).toBe('revoked');
    expect((await stack.as('analyst').run(run.id)).status).toBe('revoked');
    const pending = await http(stack, 'GET', '/v1/approvals?status=pending', { key });
    expect(JSON.stringify(pending.body)).not.toContain(approval.id);
    const progress = await http(stack, 'GET', `/v1/revocations/${done.revocationId}`, { key: stack.keys.responder });
    expect(JSON.stringify(progress.body)).toContain(approval.id);
  });

  it('quarantines a class until the quarantine is lifted', async () => {
    const preview = await stack.as('responder').previewRevocation({ agentClass: 'phisher' }, true);
    const { revocationId } = await stack
      .as('responder')
      .revokeAll({ selector: { agentClass: 'phisher' }, reason: 'x', digest: preview.digest, quarantine: true });
    await expect(open(stack.as('orchestrator'), {}, 'phisher')).rejects.toMatchObject({
      status: 403,
      code: 'QUARANTINED',
    });
    const lifted = await http(stack, 'DELETE', `/v1/quarantines/${revocationId}`, { key: stack.keys.responder });
    expect(lifted.status).toBe(200);
    expect(await decision((await open(stack.as('orchestrator'), {}, 'phisher')).grant.id)).toBe('permit');
  });

  it('suspends and resumes', async () => {
    const { grant } = await open(stack.as('orchestrator'));
    const call = (what: string) =>
      http(stack, 'POST', `/v1/grants/${grant.id}/${what}`, { key: stack.keys.responder, body: { reason: 'looking' } });
    expect((await call('suspension')).status).toBe(200);
    expect(await decision(grant.id)).toBe('deny');
    expect((await call('resumption')).status).toBe(200);
    expect(await decision(grant.id)).toBe('permit');
  });

  it('sees the monitor suspend a drifting run without a request', async () => {
    const { grant, run } = await open(stack.as('orchestrator'), {
      purpose: { onDrift: { stepUpAt: 0.2, suspendAt: 0.4 } },
    });
    for (let i = 0; i < 60; i++)
      await stack.as('enforcer').act(read(grant.id, `unrelated/topic-${i}/secretive-${i}.txt`));
    await until('the suspension', async () => (await stack.as('analyst').grant(grant.id)).status === 'suspended');
    expect(await decision(grant.id)).toBe('deny');
    await until('the drift in the read model', async () =>
      JSON.stringify(await stack.as('analyst').drift(run.id)).includes('breadth'),
    );
  });
});
