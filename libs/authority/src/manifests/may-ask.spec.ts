import { permissionsView } from '@bailiwick/contracts/queries/permissions';
import { rfc3339 } from '@bailiwick/core/clock';
import { askedNow } from '../presentation/consent-card';
import { approvalView } from '../presentation/approval-view';
import { showPermissions } from '../presentation/permissions';
import { act, delegateTestRun, only, REF, TestLog } from '../testing/harness';
import { deploy, manifests, type ManifestFields } from '../testing/policies';
import { compileAgents } from './agents';

const FILES = [{ type: 'file', match: 'src/**' }];
const BOT: ManifestFields = {
  class: 'worker',
  most: {
    actions: { allow: ['file.*', 'pull-request.*'] },
    resources: [
      { type: 'file', match: 'src/**' },
      { type: 'repo', match: 'acme/**' },
    ],
  },
  lease: {
    permissions: [{ actions: ['file.read'], resources: FILES }],
    budget: { calls: 50, writes: 20, external: 5 },
  },
  mayAsk: [
    {
      name: 'edit',
      words: 'edit source files',
      permissions: [{ actions: ['file.write'], resources: FILES }],
      lasts: '10m',
    },
    {
      name: 'open-pull-requests',
      words: 'open pull requests',
      permissions: [{ actions: ['pull-request.open'], resources: [{ type: 'repo', match: 'acme/**' }], calls: 2 }],
    },
  ],
};
const ANN = { kind: 'person' as const, id: 'person:ann' };

function opened(bot: ManifestFields = BOT): { log: TestLog; runId: string; grantId: string } {
  const log = new TestLog();
  deploy(log, manifests(bot));
  const events = log.do('openRun', { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF, grant: {} });
  const { runId = '', grantId = '' } = only(events, 'GrantIssued');
  return { log, runId, grantId };
}
const ask = (log: TestLog, runId: string, what: object) =>
  only(log.do('escalate', { runId, ...what }), 'ApprovalRequested').data;
const approve = (log: TestLog, approvalId: string, more: object = {}) =>
  log.do('decideApproval', { approvalId, verdict: 'approve', actor: ANN, ...more });
const raised = (log: TestLog, approvalId: string) => only(approve(log, approvalId), 'GrantIssued').grantId as string;
const refusal = (result: ReturnType<TestLog['try']>) => {
  if ('refusal' in result) return result.refusal;
  return only(result.events, 'Refused').data;
};
const tryAsk = (log: TestLog, runId: string, what: object) => refusal(log.try('escalate', { runId, ...what }));

describe('a run whose manifest lists what it may ask for', () => {
  it('starts with the lease of the manifest if it is opened without limits', () => {
    const { log, grantId } = opened();
    expect(act(log, grantId, 'file.read', { resource: { type: 'file', id: 'src/a' } }).type).toBe('ActionPermitted');
    expect(act(log, grantId, 'file.write', { resource: { type: 'file', id: 'src/a' } }).type).toBe('ActionDenied');
  });

  it('holds a bundle for its time from the approval, and what it held before after that', () => {
    const { log, runId } = opened();
    const { approvalId, bundle } = ask(log, runId, { ask: 'edit' });
    expect(bundle).toMatchObject({ name: 'edit', words: 'edit source files', lasts: '10m' });
    log.now += 3_600_000 / 2;
    const events = approve(log, approvalId);
    const until = rfc3339(log.now + 600_000);
    const { data, grantId = '' } = only(events, 'GrantIssued');
    expect(data.limits.permissions).toEqual([
      { actions: ['file.read'], resources: FILES },
      { actions: ['file.write'], resources: FILES, until },
    ]);
    expect(only(events, 'ApprovalGiven').data.limits).toEqual(data.limits);
    const write = () => act(log, grantId, 'file.write', { resource: { type: 'file', id: 'src/a' } });
    log.now += 599_999;
    expect(write().type).toBe('ActionPermitted');
    log.now += 1;
    expect(write()).toMatchObject({
      type: 'ActionDenied',
      data: { reasons: [{ reasons: [{ code: 'NO_PERMISSION' }] }] },
    });
    expect(act(log, grantId, 'file.read', { resource: { type: 'file', id: 'src/a' } }).type).toBe('ActionPermitted');
  });

  it('asks again for a bundle that has ended, and its lease does not keep the ended entry', () => {
    const { log, runId } = opened();
    raised(log, ask(log, runId, { ask: 'edit' }).approvalId);
    log.now += 700_000;
    const again = raised(log, ask(log, runId, { ask: 'edit' }).approvalId);
    expect(log.state.grants.get(again)?.limits.permissions).toHaveLength(2);
  });

  it('asks by the call that is missing', () => {
    const { log, runId } = opened();
    const missing = { verb: 'Pull-Request.Open', resource: { type: 'repo', id: 'acme/app' } };
    expect(ask(log, runId, { missing }).bundle?.name).toBe('open-pull-requests');
    expect(
      tryAsk(log, runId, { missing: { verb: 'file.delete', resource: { type: 'file', id: 'src/a' } } }),
    ).toMatchObject({
      code: 'GRANT_EXCEEDS_MAXIMUM',
      reasons: [{ code: 'NOT_LISTED_TO_ASK' }],
    });
  });

  it('is refused what is not listed, by name or by limits, unless the manifest asks a person', () => {
    const { log, runId } = opened();
    const want = { permissions: [{ actions: ['file.move'], resources: FILES }] };
    for (const what of [{ ask: 'deploy' }, { want }, { want: { budget: { calls: 60 } } }])
      expect(tryAsk(log, runId, what)).toMatchObject({
        code: 'GRANT_EXCEEDS_MAXIMUM',
        reasons: [{ rule: 'manifest', code: 'NOT_LISTED_TO_ASK' }],
      });
    deploy(log, manifests({ ...BOT, unlisted: 'ask' }));
    expect(ask(log, runId, { want }).bundle).toBeUndefined();
    expect(
      tryAsk(log, runId, { want: { permissions: [{ actions: ['repo.delete'], resources: FILES }] } }),
    ).toMatchObject({
      reasons: expect.arrayContaining([expect.objectContaining({ code: 'BEYOND_MANIFEST' })]),
    });
  });

  it('may ask for a part of a bundle, which is held no longer than the bundle', () => {
    const { log, runId } = opened();
    const want = { permissions: [{ actions: ['file.write'], resources: [{ type: 'file', match: 'src/a/*' }] }] };
    const { approvalId, bundle } = ask(log, runId, { want });
    expect(bundle?.name).toBe('edit');
    const { limits } = only(approve(log, approvalId), 'GrantIssued').data;
    expect(limits.permissions?.[1]).toEqual({ ...want.permissions[0], until: rfc3339(log.now + 600_000) });
  });

  it('may ask for one part of an entry with caps, so that it gets no more calls than the bundle has', () => {
    const { log, runId } = opened();
    const part = (match: string) => ({
      actions: ['pull-request.open'],
      resources: [{ type: 'repo', match }],
      calls: 2,
    });
    const twice = { permissions: [part('acme/one'), part('acme/two')] };
    expect(tryAsk(log, runId, { want: twice })).toMatchObject({ reasons: [{ code: 'NOT_LISTED_TO_ASK' }] });
    expect(ask(log, runId, { want: { permissions: [part('acme/one')] } }).bundle?.name).toBe('open-pull-requests');
    const uncapped = ['src/a', 'src/b'].map((match) => ({
      actions: ['file.write'],
      resources: [{ type: 'file', match }],
    }));
    expect(ask(log, runId, { want: { permissions: uncapped } }).bundle?.name).toBe('edit');
  });

  it('can be given less than it asks for, also after a bundle that it held has ended', () => {
    const { log, runId } = opened();
    raised(log, ask(log, runId, { ask: 'edit' }).approvalId);
    log.now += 700_000;
    const { approvalId, limits } = ask(log, runId, { ask: 'edit' });
    const permissions = limits?.permissions?.map((each) =>
      each.until === undefined ? each : { ...each, resources: [{ type: 'file', match: 'src/a' }] },
    );
    const issued = only(approve(log, approvalId, { grant: { permissions } }), 'GrantIssued');
    expect(issued.data.limits.permissions?.map(({ resources: [first] }) => first?.match)).toEqual(['src/**', 'src/a']);
  });

  it('asks once for a bundle at a time, and not again at once after a person refused it', () => {
    const { log, runId } = opened();
    const { approvalId } = ask(log, runId, { ask: 'edit' });
    expect(tryAsk(log, runId, { ask: 'edit' })).toMatchObject({ code: 'CONFLICT' });
    log.do('decideApproval', { approvalId, verdict: 'deny', actor: ANN });
    raised(log, ask(log, runId, { ask: 'open-pull-requests' }).approvalId);
    expect(tryAsk(log, runId, { ask: 'edit' })).toMatchObject({ code: 'REFUSED_BY_PERSON' });
    expect(showPermissions(log.state, runId, log.now)?.missing?.map(({ status }) => status)).toEqual([
      'refused',
      'held',
    ]);
  });

  it('gets nothing that a later version no longer lists', () => {
    const { log, runId } = opened();
    const { approvalId } = ask(log, runId, { ask: 'edit' });
    deploy(log, manifests({ ...BOT, mayAsk: BOT.mayAsk?.slice(1) }));
    expect(refusal(log.try('decideApproval', { approvalId, verdict: 'approve', actor: ANN }))).toMatchObject({
      code: 'GRANT_EXCEEDS_MAXIMUM',
      reasons: [{ code: 'NOT_LISTED_TO_ASK' }],
    });
    deploy(log, manifests(BOT));
    raised(log, approvalId);
  });

  it('cannot pass a bundle on for longer than it holds it', () => {
    const delegation = { depth: 1, children: 3, classes: ['*'] };
    const { log, runId } = opened({ ...BOT, lease: { ...BOT.lease, delegation } });
    deploy(log, manifests({ ...BOT, lease: { ...BOT.lease, delegation } }, { class: 'helper' }));
    const grantId = raised(log, ask(log, runId, { ask: 'edit' }).approvalId);
    const child = delegateTestRun(log, grantId).grantId;
    const entry = { actions: ['file.write'], resources: FILES };
    const wider = log.do('delegate', {
      grantId,
      agent: { class: 'helper' },
      purposeRef: REF,
      grant: { permissions: [entry] },
    });
    expect(only(wider, 'DelegationRefused').data.reasons).toMatchObject([{ path: 'permissions[0]' }]);
    const write = () => act(log, child, 'file.write', { resource: { type: 'file', id: 'src/a' } }).type;
    expect(write()).toBe('ActionPermitted');
    log.now += 600_000;
    expect(write()).toBe('ActionDenied');
  });

  it('reads what is missing and how to ask for it', () => {
    const { log, runId } = opened();
    const view = showPermissions(log.state, runId, log.now);
    expect(permissionsView.parse(view)).toEqual(view);
    const how = { method: 'POST', path: `/v1/runs/${runId}/escalations`, body: ['ask', 'reason'] };
    expect(view?.missing).toMatchObject([
      {
        name: 'edit',
        words: 'edit source files',
        lasts: '10m',
        permissions: ['file.write on file src/**'],
        status: 'missing',
        how,
      },
      { name: 'open-pull-requests', status: 'missing' },
    ]);
    const { approvalId } = ask(log, runId, { ask: 'edit' });
    expect(showPermissions(log.state, runId, log.now)?.missing?.[0]).toMatchObject({ status: 'pending', approvalId });
    raised(log, approvalId);
    expect(showPermissions(log.state, runId, log.now)?.missing?.[0]).toMatchObject({
      status: 'held',
      until: rfc3339(log.now + 600_000),
    });
    log.now += 600_000;
    expect(showPermissions(log.state, runId, log.now)?.missing?.[0]?.status).toBe('missing');
  });

  it('has a card that states the bundle in the words of the policy, and the difference to what it holds', () => {
    const { log, runId } = opened();
    const { approvalId } = ask(log, runId, { ask: 'edit' });
    const approval = log.state.approvals.get(approvalId);
    if (!approval) throw new Error('no approval');
    const facts = askedNow(log.state, approval, log.now);
    const texts = { purpose: 'fix it', requestedBy: 'user:ann', task: undefined } as never;
    const view = approvalView(approval, 'pending', {
      ...{ run: facts.run, texts, parent: undefined, stepUp: undefined, args: undefined, hidden: undefined },
      ...{
        replaced: undefined,
        refused: [],
        asked: { reason: 'there is a bug' },
        decided: {},
        tried: [],
        has: facts.has,
      },
    });
    expect(view.asks).toBe('Give the worker the bundle edit for 10m: edit source files');
    expect(view.may[0]).toBe('in addition to what it holds: file.write on file src/**, for 10m from the approval');
    expect(view.reason).toBe('there is a bug');
  });
});

describe('a manifest', () => {
  const faults = (fields: Partial<ManifestFields>) => {
    const compiled = compileAgents([{ owner: 'team', ...BOT, ...fields }]);
    return compiled.ok ? [] : compiled.error.map(({ path }) => path.join('.'));
  };
  const entry = { actions: ['file.write'], resources: FILES };

  it('lists only bundles that are within the most', () => {
    expect(faults({})).toEqual([]);
    const of = (each: object) => faults({ mayAsk: [{ name: 'a', words: 'a', permissions: [entry], ...each }] });
    expect(of({ permissions: [{ ...entry, actions: ['secret.read'] }] })).toEqual(['mayAsk.0.permissions']);
    expect(of({ permissions: [{ ...entry, resources: [{ type: 'file', match: '**' }] }] })).toEqual([
      'mayAsk.0.permissions',
    ]);
    expect(of({ permissions: [{ ...entry, until: '2026-01-01T00:00:00Z' }] })).toEqual([
      'mayAsk.0.permissions.0.until',
    ]);
    expect(of({ lasts: '0s' })).toEqual(['mayAsk.0.lasts']);
    expect(of({ permissions: [{ ...entry, actions: ['file..write'] }] })[0]).toMatch(/^mayAsk\.0\.permissions/);
  });

  it('names a bundle once, and what happens to others only next to a list', () => {
    const twice = { name: 'a', words: 'a', permissions: [entry] };
    expect(faults({ mayAsk: [twice, twice] })).toEqual(['mayAsk.1.name']);
    expect(faults({ mayAsk: undefined, unlisted: 'ask' })).toEqual(['unlisted']);
  });
});
