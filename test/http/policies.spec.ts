import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BailiwickClient, ProblemError } from '@bailiwick/client/client';
import { LIMITS } from '@bailiwick/core/limits';
import { open, WIDE } from '../e2e/leases';
import { bailiwick } from '../support/cli';
import { http, Stack } from '../support/stack';

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.tenant();
}, 120_000);
afterAll(() => stack.stop());

const admin = () => stack.as('admin');
const version = async (): Promise<number> => (await admin().policies()).current;

/** A bundle by which a verb has one effect, with a test of it. */
const meaning = (effect: string, decision = 'permit') => ({
  'parcels.yaml': `catalog:
  - match: [parcel.track]
    effects: [${effect}]
    risk: low
    words: follow parcels
tests:
  - name: parcels are followed
    lease: { actions: { allow: ['**'] }, resources: [{ type: '*', match: '**' }], budget: { calls: 1, reads: 1, writes: 1 } }
    call: { verb: parcel.track, resource: { type: parcel, id: p-1 } }
    expect: { decision: ${decision} }
`,
});

/** A lease that may read a parcel, and nothing else. */
const READS = { actions: { allow: ['parcel.*'] }, budget: { calls: 50, reads: 50, writes: 0, external: 0 } };
const track = (grantId: string) => ({
  grantId,
  action: { verb: 'parcel.track' },
  resource: { type: 'parcel', id: 'p-1' },
});

const refusal = (work: Promise<unknown>): Promise<ProblemError> =>
  work.then(
    () => {
      throw new Error('this should have been refused');
    },
    (error: unknown) => {
      if (error instanceof ProblemError) return error;
      throw error;
    },
  );

describe('a deployed policy', () => {
  it('changes what the next action counts as, and each decision names its version', async () => {
    const { grant } = await open(stack.as('orchestrator'), READS);
    const enforcer = stack.as('enforcer');
    const before = await enforcer.act(track(grant.id));
    const first = await admin().deployPolicy(meaning('read'), await version());
    const after = await enforcer.act(track(grant.id));
    const second = await admin().deployPolicy(meaning('write'), first.version);
    const last = await enforcer.act(track(grant.id));
    expect([before.decision, after.decision, last.decision]).toEqual(['deny', 'permit', 'deny']);
    expect([before.policy, after.policy, last.policy]).toEqual([undefined, first.version, second.version]);
    expect([first.version, second.version]).toEqual([1, 2]);
    expect(first.position).toBeLessThan(after.position);

    const evaluation = await http(stack, 'POST', '/access/v1/evaluation', {
      key: stack.keys.enforcer as string,
      body: {
        subject: { type: 'grant', id: grant.id },
        action: { name: 'parcel.track' },
        resource: { type: 'parcel', id: 'p-1' },
      },
    });
    expect(evaluation.body).toMatchObject({ decision: false, context: { policy: second.version } });
  });

  it('is deployed only in place of the version in force, once per Idempotency-Key', async () => {
    const replaces = await version();
    const headers = { 'idempotency-key': 'deploy-once' };
    const send = (body: object) =>
      http(stack, 'POST', '/v1/policies', { key: stack.keys.admin as string, body, headers });
    const first = await send({ bundle: meaning('read'), replaces });
    expect(first).toMatchObject({ status: 201, body: { version: replaces + 1 } });
    expect((await send({ bundle: meaning('read'), replaces })).body).toEqual(first.body);
    expect((await send({ bundle: meaning('write'), replaces })).body.code).toBe('IDEMPOTENCY_KEY_REUSED');

    const late = await refusal(admin().deployPolicy(meaning('write'), replaces));
    expect([late.status, late.code, late.body.current]).toEqual([409, 'CONFLICT', replaces + 1]);
    expect(late.message).toContain(`version ${replaces + 1} of the policy is in force`);
    const together = await Promise.allSettled(
      ['read', 'write', 'external'].map((effect) => admin().deployPolicy(meaning(effect, 'permit'), replaces + 1)),
    );
    expect(together.filter(({ status }) => status === 'fulfilled').length).toBeLessThanOrEqual(1);
  });

  it('lists its versions and returns each with its bundle', async () => {
    const current = await version();
    await admin().deployPolicy(meaning('read'), current);
    await admin().deployPolicy(meaning('write'), current + 1);
    const { items, next } = await stack.as('analyst').policies();
    expect(items.map((each) => each.version)).toEqual(items.map((_, i) => current + 2 - i));
    expect(items[0]).toMatchObject({ replaces: current + 1, by: expect.any(String) as string });
    expect(next).toBeNull();
    const key = stack.keys.enforcer as string;
    const page = await http(stack, 'GET', '/v1/policies?limit=1', { key });
    expect(page.body).toMatchObject({ items: [{ version: current + 2 }], next: String(current + 2) });
    const rest = await http(stack, 'GET', `/v1/policies?limit=1&cursor=${String(page.body.next)}`, { key });
    expect(rest.body).toMatchObject({ items: [{ version: current + 1 }] });

    const effects = async (of?: number) => (await admin().policy(of)).bundle.catalog?.[0]?.effects;
    expect([await effects(), await effects(current + 2), await effects(current + 1)]).toEqual([
      ['write'],
      ['write'],
      ['read'],
    ]);
    const shipped = await admin().policy(0);
    expect(shipped).toMatchObject({ version: 0, digest: expect.stringMatching(/^sha256:/) as string });
    expect(shipped.bundle.catalog?.length).toBeGreaterThan(50);
    expect((await refusal(admin().policy(99_999))).status).toBe(404);
    expect((await http(stack, 'GET', '/v1/policies/latest', { key })).status).toBe(404);
  });

  it('judges sequences by its rules, and is refused with the line of an example that fails', async () => {
    const rules = (atLeast: number) => ({
      ...meaning('read'),
      'rules.yaml': `rules:
  - name: three-parcels
    on: { verbs: [parcel.*] }
    when: { count_within: { verbs: [parcel.*], at_least: ${atLeast}, within: 10m } }
    outcome: suspend
    says: three parcels were followed; a person must look
    examples:
      fires:
        - [{ verb: parcel.track, times: 3 }]
      silent:
        - [{ verb: parcel.track, times: 2 }]
`,
    });
    const refused = await refusal(admin().deployPolicy(rules(4), await version()));
    expect([refused.status, refused.body.problems]).toEqual([
      422,
      [expect.objectContaining({ file: 'rules.yaml', line: 9, column: 11, path: 'rules.0.examples.fires.0' })],
    ]);
    const { grant, run } = await open(stack.as('orchestrator'), READS);
    await admin().deployPolicy(rules(3), await version());
    const enforcer = stack.as('enforcer');
    const decisions = [];
    for (let i = 0; i < 3; i++) decisions.push(await enforcer.act(track(grant.id)));
    expect(decisions.map(({ decision }) => decision)).toEqual(['permit', 'permit', 'deny']);
    const objection = { code: 'POLICY_RULE', actual: 'three-parcels', suspends: true };
    expect(decisions[2]?.reasons).toContainEqual(expect.objectContaining(objection));
    const later = await enforcer.act(track(grant.id));
    expect(later.reasons.map(({ code }) => code)).toContain('GRANT_NOT_LIVE');
    // a what-if of one tree judges it by the rules in force, too
    const treeId = (run as { treeId: string }).treeId;
    const again = () => stack.as('analyst').replay({ treeId, change: {} });
    let replayed = await again();
    while (replayed.decided < 4) replayed = await again();
    expect([replayed.decided, replayed.differences]).toEqual([4, []]);
    await admin().deployPolicy(meaning('read'), await version());
  });

  it('is refused with file, line and column of each problem', async () => {
    const replaces = await version();
    const refused = await refusal(
      admin().deployPolicy(
        { 'a.yaml': 'catalog:\n  - match: [parcel.ship]\n    effect: [external]\n', 'b.yaml': 'catalogue: []\n' },
        replaces,
      ),
    );
    expect([refused.status, refused.code]).toEqual([422, 'POLICY_INVALID']);
    expect(refused.body.problems).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ file: 'a.yaml', line: 3, column: 5, suggestion: 'effects' }),
        expect.objectContaining({ file: 'b.yaml', line: 1, column: 1, suggestion: 'catalog' }),
      ]),
    );
    expect(await version()).toBe(replaces);
  });

  it('takes the resource, its attributes and the amounts from the arguments, and denies a request that states others', async () => {
    const bundle = `catalog:
  - match: [parcel.send]
    effects: [external]
    risk: low
    words: send parcels
    resource: { type: parcel, id: '{/number}' }
    attributes: { country: /to/country }
    cost: { EUR: { major: /price } }
`;
    const where = { country: { eq: 'DE' } };
    const { grant } = await open(stack.as('orchestrator'), {
      actions: { allow: ['parcel.*'] },
      resources: [{ type: 'parcel', match: '**', where }],
      budget: { calls: 50, external: 50, cost: { EUR: 1_000 } },
    });
    await admin().deployPolicy({ 'a.yaml': bundle }, await version());
    const args = { number: 7, to: { country: 'DE' }, price: '2.50' };
    const call = (over: object = {}) => ({
      grantId: grant.id,
      action: { verb: 'parcel.send', args },
      resource: { type: 'parcel', id: '7' },
      ...over,
    });
    const enforcer = stack.as('enforcer');
    const sent = await enforcer.act(call());
    expect([sent.decision, sent.remaining.cost]).toEqual(['permit', { EUR: 750 }]);
    const wrong: [object, string][] = [
      [{ resource: { type: 'parcel', id: '8' } }, 'RESOURCE_CONTRADICTS_ARGS'],
      [{ resource: { type: 'parcel', id: '7', attributes: { country: 'FR' } } }, 'ATTRIBUTE_CONTRADICTS_ARGS'],
      [{ action: { verb: 'send_parcel', args: { ...args, to: { country: 'FR' } } } }, 'RESOURCE_NOT_ALLOWED'],
      [{ action: { verb: 'parcel.send', args: { to: args.to } } }, 'ARGUMENTS_UNCLEAR'],
      [{ action: { verb: 'parcel.send', argsDigest: `sha256:${'0'.repeat(64)}` } }, 'ARGUMENTS_UNCLEAR'],
      [{ action: { verb: 'parcel.send' } }, 'ARGUMENTS_NOT_STATED'],
      [{ action: { verb: 'parcel.send', args: { ...args, price: 99 } } }, 'BUDGET_EXHAUSTED'],
    ];
    for (const [over, code] of wrong) {
      const answer = await enforcer.act(call(over));
      expect([answer.decision, JSON.stringify(answer.reasons)]).toEqual(['deny', expect.stringContaining(code)]);
    }
    // another gateway deployed a version that this one has not read yet
    await admin().deployPolicy({ 'a.yaml': bundle.replace('/number', '/id') }, await version());
    const { answers: batch } = await enforcer.actAll([
      call(),
      call({ action: { verb: 'parcel.send', args: { ...args, id: 7 } } }),
    ]);
    expect(batch.map((each) => ('decision' in each ? each.decision : each))).toEqual(['deny', 'permit']);
    const dry = await http(stack, 'POST', '/access/v1/evaluation', {
      key: stack.keys.enforcer as string,
      body: {
        subject: { type: 'grant', id: grant.id },
        action: { name: 'parcel.send', properties: { args: { ...args, id: 8 } } },
        resource: { type: 'parcel', id: '7' },
        context: { dryRun: true },
      },
    });
    expect(JSON.stringify(dry.body)).toContain('RESOURCE_CONTRADICTS_ARGS');
  });

  it('is refused if one of its tests fails', async () => {
    const replaces = await version();
    const refused = await refusal(admin().deployPolicy(meaning('read', 'deny'), replaces));
    expect(refused).toMatchObject({ status: 422, code: 'POLICY_INVALID' });
    expect(refused.body.problems).toMatchObject([
      { file: 'parcels.yaml', message: expect.stringContaining('should get deny, and gets permit') as string },
    ]);
    expect(await version()).toBe(replaces);
  });

  it('may be larger than other bodies, up to a separate limit', async () => {
    const entries = Array.from({ length: 1_500 }, (_, i) => {
      const noun = `q${String.fromCharCode(97 + (i % 26), 97 + (Math.floor(i / 26) % 26), 97 + Math.floor(i / 676))}`;
      return `  - match: [${noun}.fetch]\n    effects: [read]\n    risk: low\n    words: '${'fetch '.repeat(30).trim()}'\n`;
    });
    const bundle = { 'large.yaml': `catalog:\n${entries.join('')}` };
    expect(JSON.stringify(bundle).length).toBeGreaterThan(LIMITS.httpBodyBytes);
    const done = await admin().deployPolicy(bundle, await version());
    expect((await admin().policy(done.version)).bundle.catalog).toHaveLength(1_500);
    const statusOf = (path: string, length: number) => refusedByLength(path, stack.keys.admin as string, length);
    expect(await statusOf('/v1/policies', LIMITS.policy.httpBodyBytes + 1)).toBe(413);
    expect(await statusOf('/v1/erasures', LIMITS.httpBodyBytes + 1)).toBe(413);
  });

  it('bounds the leases of a class by its manifest, those that it has and those that are requested', async () => {
    const [orchestrator, enforcer] = [stack.as('orchestrator'), stack.as('enforcer')];
    const agents = (calls: number) => ({
      'agents.yaml': `agents:
  - class: tester
    owner: test
    most: { budget: { calls: ${calls} } }
    beyond: ask
  - class: '*'
    owner: test
    most: { budget: { calls: ${calls} } }
`,
    });
    const { grant } = await open(orchestrator, READS);
    const read = { ...track(grant.id), action: { verb: 'parcel.read' } };
    expect((await enforcer.act(read)).decision).toBe('permit');
    const { version: bounded } = await admin().deployPolicy(agents(1), await version());
    const denied = await enforcer.act(read);
    expect([denied.decision, denied.policy]).toEqual(['deny', bounded]);
    expect(denied.reasons.filter(({ rule }) => rule === 'manifest')).toMatchObject([
      { rule: 'manifest', path: 'agents.tester', reasons: [{ code: 'BUDGET_EXHAUSTED', path: 'most.budget.calls' }] },
    ]);
    expect((await orchestrator.grant(grant.id)).manifest).toContain('allows less than stated: budget.calls');

    const beyond = await refusal(open(orchestrator, READS, 'other'));
    expect([beyond.status, beyond.code]).toEqual([403, 'GRANT_EXCEEDS_MAXIMUM']);
    expect(beyond.body.reasons).toMatchObject([{ rule: 'manifest', code: 'BEYOND_MANIFEST', path: 'budget.calls' }]);
    const body = { agent: { class: 'tester' }, requestedBy: 'ann', purpose: 'read', grant: { ...WIDE, ...READS } };
    const asked = await http(stack, 'POST', '/v1/runs', { key: stack.keys.orchestrator as string, body });
    expect(asked.status).toBe(202);
    const { id } = asked.body.approval as { id: string };
    const card = await stack.as('approver').approval(id);
    expect(card.mayNot).toContainEqual(expect.stringContaining('allows less: budget.calls; an approval allows it'));
    const key = stack.keys.approver as string;
    const given = await http(stack, 'POST', `/v1/approvals/${id}/decision`, { key, body: { verdict: 'approve' } });
    expect(given.status).toBe(200);
    const approved = { ...read, grantId: (given.body.grant as { id: string }).id };
    expect([(await enforcer.act(approved)).decision, (await enforcer.act(approved)).decision]).toEqual([
      'permit',
      'permit',
    ]);
    await admin().deployPolicy(agents(2), bounded);
    expect((await enforcer.act(approved)).decision).toBe('deny');
    await admin().deployPolicy(meaning('read'), bounded + 1);
    expect((await enforcer.act(read)).decision).toBe('permit');
  });

  it('does not change the decisions of another tenant (I9)', async () => {
    await admin().deployPolicy(meaning('read'), await version());
    const made = await http(stack, 'POST', '/v1/tenants', { key: stack.installationKey, body: { id: 'other' } });
    const keys = made.body.keys as Record<string, string>;
    const as = (role: string) => new BailiwickClient({ url: stack.url, key: keys[role] as string });
    const { grant } = await open(as('orchestrator'), READS);
    const answer = await as('enforcer').act(track(grant.id));
    expect([answer.decision, answer.policy]).toEqual(['deny', undefined]);
    expect(await as('admin').policies()).toEqual({ current: 0, items: [], next: null });
    await as('admin').deployPolicy(meaning('read'), 0);
    expect((await as('enforcer').act(track(grant.id))).policy).toBe(1);
  });

  it('is managed from the command line', async () => {
    const cli = (...args: string[]) => bailiwick(['policy', ...args], { BAILIWICK_DATA: stack.dataDir });
    const folder = join(stack.dataDir, 'policy');
    mkdirSync(folder);
    const write = (files: Record<string, string>) =>
      Object.entries(files).forEach(([name, text]) => writeFileSync(join(folder, name), text));
    const before = await version();
    write(meaning('read'));
    const first = await cli('deploy', folder);
    expect([first.code, first.out]).toEqual([
      0,
      expect.stringMatching(`^deployed version ${before + 1} at position \\d+`),
    ]);
    expect((await cli('deploy', folder, '--replaces', String(before))).code).toBe(1);
    write(meaning('write'));
    expect((await cli('deploy', folder, '--replaces', String(before + 1))).code).toBe(0);
    expect((await cli('show', String(before + 1))).out).toContain('"read"');
    expect((await cli('history')).out).toMatch(new RegExp(`^version.*\\n${before + 2} .*\\n${before + 1} `));

    const back = await cli('rollback', String(before + 1), '--json');
    expect(JSON.parse(back.out)).toMatchObject({ version: before + 3 });
    const versions = (await admin().policies()).items;
    expect(versions[0]?.digest).toBe(versions[2]?.digest);
    const shipped = await cli('rollback', '0', '--json');
    expect([shipped.code, (JSON.parse(shipped.out) as { digest: string }).digest]).toEqual([
      0,
      (await admin().policy(0)).digest,
    ]);
    writeFileSync(join(folder, 'wrong.yaml'), 'catalogue: []\n');
    const wrong = await cli('deploy', folder);
    expect([wrong.code, wrong.out]).toEqual([1, expect.stringContaining('wrong.yaml:1:1: ')]);
    expect((await cli('show', 'newest')).code).toBe(2);
  });

  it('and its log is refolded and audited without findings', async () => {
    const { body } = await http(stack, 'GET', '/v1/log/verification', { key: stack.keys.analyst as string });
    expect(body).toMatchObject({ ok: true, findings: [] });
  });
});

describe('a policy that is not deployed', () => {
  const key = (): string => stack.keys.analyst as string;

  it('is checked without being deployed', async () => {
    const before = await version();
    const right = await stack.as('analyst').checkPolicy(meaning('read'));
    expect(right).toEqual({ ok: true, digest: expect.stringMatching(/^sha256:/) as string, problems: [] });
    const wrong = await stack.as('analyst').checkPolicy({ 'a.yaml': 'catalogue: []\n' });
    expect(wrong).toMatchObject({ ok: false, problems: [{ file: 'a.yaml', line: 1, suggestion: 'catalog' }] });
    const failed = await stack.as('analyst').checkPolicy(meaning('read', 'deny'));
    expect(failed).toMatchObject({
      ok: false,
      digest: expect.stringMatching(/^sha256:/) as string,
      problems: [{ file: 'parcels.yaml' }],
    });
    expect(await version()).toBe(before);
  });

  it('decides recorded calls again, as a bundle and as a version', async () => {
    const deployed = await admin().deployPolicy(meaning('write'), await version());
    const { grant, run } = await open(stack.as('orchestrator'), READS);
    const from = (await stack.as('enforcer').act(track(grant.id))).position;
    const replay = (policy: object, more: object = { from }) =>
      stack.as('analyst').replay({ change: { policy }, ...more });
    const asBundle = await replay({ bundle: meaning('read') });
    expect(asBundle).toMatchObject({
      decided: 1,
      groups: [{ verb: 'parcel.track', before: 'deny', after: 'permit', code: 'BUDGET_EXHAUSTED', count: 1 }],
    });
    expect(await replay({ version: deployed.version })).toMatchObject({ decided: 1, differ: 0 });
    expect(await replay({ version: 1 }, { treeId: run.treeId })).toMatchObject({ decided: 1, differ: 1 });
    const refused = await http(stack, 'POST', '/v1/replays', {
      key: key(),
      body: { change: { policy: { bundle: { 'a.yaml': 'catalogue: []' } } } },
    });
    expect([refused.status, refused.body.code]).toEqual([422, 'POLICY_INVALID']);
    expect((await refusal(replay({ version: 99_999 }))).status).toBe(404);
    expect(await refusal(replay({ sequences: { 'mas-reads': 'deny' } }))).toMatchObject({
      status: 400,
      message: expect.stringContaining('did you mean mass-reads?') as string,
    });
    expect((await refusal(replay({ version: 1, bundle: meaning('read') }))).status).toBe(400);
  });

  it('is compared with the one in force: meanings, live leases, pending requests and decisions', async () => {
    await admin().deployPolicy(meaning('read'), await version());
    const { grant } = await open(stack.as('orchestrator'), READS);
    const permitted = await stack.as('enforcer').act(track(grant.id));
    const asks = await open(stack.as('orchestrator'), { ...READS, risk: { approvalFrom: 'low' } });
    const asked = await stack.as('enforcer').act({
      ...track(asks.grant.id),
      action: { verb: 'parcel.track', args: {} },
    });
    await http(stack, 'GET', `/v1/runs/${asks.run.id}/drift?minPosition=${asked.position}`, { key: key() });
    const diff = await admin().diffPolicy({ bundle: meaning('write', 'permit'), last: 2 });
    expect(diff).toMatchObject({
      before: { version: await version() },
      changes: {
        same: false,
        catalog: { counts: { stricter: 1 }, items: [{ name: 'parcel.track', direction: 'stricter' }] },
        sections: [],
      },
      history: { decided: 2, differ: 2 },
    });
    expect(diff.history.groups).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ before: 'permit', after: 'deny', example: permitted.actionId }) as object,
      ]),
    );
    const losses = diff.reach.grants.items.find(({ grantId }) => grantId === grant.id)?.losses;
    expect(losses).toEqual([{ verb: 'parcel.track', before: 'permit', after: 'deny', code: 'BUDGET_EXHAUSTED' }]);
    expect(diff.reach.approvals.items).toMatchObject([
      { approvalId: asked.approvalId, why: 'it counts as write instead of read' },
    ]);
    const two =
      'approvals: [{ name: two, verbs: [parcel.track], by: { people: [user:ada] }, denials: 1 }, { name: others }]\n';
    const ruled = await admin().diffPolicy({ bundle: { ...meaning('read'), 'approvals.yaml': two }, last: 2 });
    expect(ruled.changes.approvals.map(({ name }) => name)).toEqual(['two', 'others', '*']);
    expect(ruled.reach.approvals.items).toContainEqual(
      expect.objectContaining({
        approvalId: asked.approvalId,
        why: expect.stringMatching(/^it is approved by ref_\w+; before: an approver/) as string,
      }),
    );
    expect((await admin().diffPolicy({ bundle: meaning('read'), last: 2 })).changes.same).toBe(true);
    expect((await refusal(admin().diffPolicy({ bundle: { 'a.yaml': 'catalogue: []' } }))).code).toBe('POLICY_INVALID');
    const other = await http(stack, 'POST', '/v1/policies/diff', {
      key: stack.keys.admin as string,
      body: { bundle: meaning('read'), log: 'other/0' },
    });
    expect(other.status).toBe(404);
  });

  it('is compared in shadow: what it would have decided since is reported, and it decides nothing', async () => {
    const deployed = await admin().deployPolicy(meaning('read'), await version());
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const started = await admin().deployPolicy(meaning('write'), deployed.version, until);
    expect(started).toMatchObject({ version: deployed.version, until: expect.any(String) as string });
    const { grant } = await open(stack.as('orchestrator'), READS);
    const decided = await stack.as('enforcer').act(track(grant.id));
    expect([decided.decision, decided.policy]).toEqual(['permit', deployed.version]);
    await http(stack, 'GET', `/v1/runs/${grant.runId}/drift?minPosition=${decided.position}`, { key: key() });
    const shadow = await stack.as('analyst').get('/v1/policies/shadow');
    expect(shadow).toMatchObject({
      digest: started.digest,
      version: deployed.version,
      position: started.position,
      history: {
        from: started.position + 1,
        decided: 1,
        differ: 1,
        groups: [{ before: 'permit', after: 'deny', example: decided.actionId }],
      },
    });
    expect(await version()).toBe(deployed.version);
    const send = (more: object) =>
      http(stack, 'POST', '/v1/policies', {
        key: stack.keys.admin as string,
        body: { bundle: meaning('read'), replaces: deployed.version, ...more },
      });
    expect((await send({ mode: 'shadow' })).status).toBe(400);
    expect((await send({ until })).status).toBe(400);
    expect((await send({ mode: 'shadow', until: '2020-01-01T00:00:00Z' })).status).toBe(400);
    expect((await send({ mode: 'shadow', until, replaces: 0 })).status).toBe(409);
  });

  it('is compared, and its signals are read, from the command line', async () => {
    const cli = (...args: string[]) => bailiwick(['policy', ...args], { BAILIWICK_DATA: stack.dataDir });
    const folder = join(stack.dataDir, 'candidate');
    mkdirSync(folder);
    writeFileSync(join(folder, 'parcels.yaml'), meaning('external')['parcels.yaml'].replace(/tests:[^]*/, ''));
    const diff = await cli('diff', folder, '--last', '100');
    expect([diff.code, diff.out]).toEqual([
      0,
      expect.stringMatching(/parcel\.track +verb +changed +read, draft → external, execute/),
    ]);
    expect(diff.out).toMatch(/\d+ of the last \d+ decisions would differ/);
    const json = JSON.parse((await cli('diff', folder, '--against', '0', '--json')).out) as { before: object };
    expect(json.before).toMatchObject({ version: 0 });
    const started = await cli('shadow', folder, '--for', '1h');
    expect([started.code, started.out]).toEqual([0, expect.stringMatching(/^in shadow next to version \d+ until /)]);
    expect((await cli('shadow')).out).toMatch(/^candidate [^]*of the last 0 decisions would differ/);
    const signals = await cli('signals', '--since', '1h');
    expect([signals.code, signals.out]).toEqual([0, expect.stringMatching(/BUDGET_EXHAUSTED +\S+ +\d+/)]);
    const counted = await stack.as('analyst').policySignals();
    expect(counted).toMatchObject({ log: stack.log, truncated: false });
    expect(counted.decisions).toBeGreaterThan(5);
    const future = await stack.as('analyst').policySignals('2100-01-01T00:00:00Z');
    expect(future).toMatchObject({ decisions: 0, verbs: [], suggestions: [] });
  });
});

/** Returns the status of a request whose head announces a body of some length, without sending the body. */
async function refusedByLength(path: string, key: string, length: number): Promise<number | undefined> {
  const headers = {
    authorization: `Bearer ${key}`,
    'content-type': 'application/json',
    'content-length': String(length),
  };
  const sent = request(stack.url + path, { method: 'POST', headers });
  sent.on('error', () => undefined); // the connection may end with the response
  sent.flushHeaders();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  sent.destroy();
  return response.statusCode;
}
