import { http, type HttpAnswer, type Stack } from '../support/stack';
import { head, openRun, writtenAfter, type Opened } from './world';

type Json = Record<string, unknown>;

const URN = 'urn:openid:authzen:access-request:error:';
const REQUESTS = '/access/v1/requests';
const READ = { name: 'repo.read' };
const RECORD = { type: 'repo', id: 'acme/clord' };

/**
 * Declares the tests of requests for access over HTTP; those of each requirement of the profile are in
 * `apps/gateway/src/authzen/requests`.
 */
export function describeRequests(world: () => { stack: Stack; run: Opened; otherTenant: string }): void {
  const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<HttpAnswer> =>
    http(world().stack, 'POST', path, { key: world().stack.keys.enforcer, body, headers });
  const evaluation = (body: Json): Promise<HttpAnswer> => post('/access/v1/evaluation', body);
  const subject = (): Json => ({ type: 'grant', id: world().run.grantId });
  const whole = (more: Json = {}): Json => ({ subject: subject(), action: READ, resource: RECORD, ...more });
  const decisionIn = ({ status, body }: HttpAnswer): unknown => [status, body.decision];
  const [PERMIT, DENY] = [
    [200, true],
    [200, false],
  ];

  describe('a request for access', () => {
    let made = 0;

    /** Evaluates a call of high risk, and returns the evaluation with the context of its denial. */
    async function denied(of: Opened): Promise<{ asked: Json; context: Json }> {
      const action = { ...READ, properties: { risk: 'high', args: { call: ++made } } };
      const asked = whole({ subject: { type: 'grant', id: of.grantId }, action, context: { cost: { USD: 1 } } });
      const answer = await evaluation(asked);
      expect(decisionIn(answer)).toEqual(DENY);
      return { asked, context: answer.body.context as Json };
    }
    const requestOf = ({ asked, context }: { asked: Json; context: Json }): Json => ({
      ...asked,
      denial: { evaluation_id: context.evaluation_id, ...(context.access_request as Json) },
    });
    const read = (url: unknown, key = world().stack.keys.enforcer, method = 'GET'): Promise<HttpAnswer> =>
      http(world().stack, method, String(url).slice(world().stack.url.length), { key });

    it('leads from a denial by a person to a permit, once', async () => {
      const own = await openRun(world().stack);
      const denial = await denied(own);
      expect(denial.context).toMatchObject({
        reason: 'approval_required',
        access_request: { endpoint: `${world().stack.url}${REQUESTS}` },
      });
      const context = { ...(denial.asked.context as Json), business_justification: 'a release waits for it' };
      const before = await head(world().stack);
      const submitted = await post(REQUESTS, { ...requestOf(denial), context });
      const { task } = submitted.body as { task: Json };
      expect([submitted.status, submitted.headers.get('location')]).toEqual([202, task.status_endpoint]);
      expect(Number(submitted.headers.get('retry-after'))).toBeGreaterThan(0);
      expect(await writtenAfter(world().stack, before)).toMatchObject([
        { type: 'AccessRequested', actor: { id: 'key:enforcer' }, data: { approvalId: task.id } },
      ]);

      expect((await read(task.status_endpoint, own.token)).body).toMatchObject({
        task: { id: task.id, status: 'pending' },
      });
      // an approval is not there yet: a reference to it permits nothing
      const early = await evaluation({
        ...denial.asked,
        context: { ...(denial.asked.context as Json), approval: { id: task.id } },
      });
      expect(decisionIn(early)).toEqual(DENY);
      const decision = { key: world().stack.keys.approver, body: { verdict: 'approve', note: 'fine' } };
      expect((await http(world().stack, 'POST', `/v1/approvals/${String(task.id)}/decision`, decision)).status).toBe(
        200,
      );

      const { body: done } = await read(task.status_endpoint);
      expect(done).toEqual({
        task: { id: task.id, status: 'approved', status_endpoint: task.status_endpoint },
        result: {
          mode: 'reevaluate',
          approval: { id: task.id, approved_at: expect.any(String), approved_until: expect.any(String) },
        },
      });
      const { approval } = done.result as Json;
      const again = (changed: Json = {}): Promise<HttpAnswer> =>
        evaluation({ ...denial.asked, context: { ...(denial.asked.context as Json), approval }, ...changed });
      for (const other of [
        { resource: { ...RECORD, id: 'acme/other' } },
        { subject: subject() },
        { action: { ...READ, properties: { risk: 'high', args: { call: 0 } } } },
      ])
        expect(decisionIn(await again(other))).toEqual(DENY);
      expect(decisionIn(await again())).toEqual(PERMIT);
      const replayed = await again();
      expect(decisionIn(replayed)).toEqual(DENY);
      expect(replayed.body.context).toMatchObject({
        next_action: expect.stringMatching(/^(none|request)$/),
        reason: expect.any(String),
      });
      expect((await read(task.status_endpoint)).body).toMatchObject({ task: { status: 'approved' } });
    });

    it('is denied by a person without their name or words', async () => {
      const denial = await denied(world().run);
      const { task } = (await post(REQUESTS, requestOf(denial))).body as { task: Json };
      const decision = { key: world().stack.keys.approver, body: { verdict: 'deny', note: 'not on a Friday' } };
      await http(world().stack, 'POST', `/v1/approvals/${String(task.id)}/decision`, decision);
      const { body } = await read(task.status_endpoint);
      expect(body).toEqual({ task: { ...task, status: 'denied', expires_at: undefined, links: undefined } });
    });

    it('is accepted once per Idempotency-Key, and refused for another denial with the same key', async () => {
      const [one, other] = [requestOf(await denied(world().run)), requestOf(await denied(world().run))];
      const headers = { 'idempotency-key': 'request-once' };
      const before = await head(world().stack);
      const first = await post(REQUESTS, one, headers);
      expect([first.status, (await post(REQUESTS, one, headers)).body]).toEqual([202, first.body]);
      expect(await writtenAfter(world().stack, before)).toHaveLength(1);
      const reused = await post(REQUESTS, other, headers);
      expect([reused.status, reused.body.type]).toEqual([409, `${URN}duplicate_request`]);
    });

    it('is a problem with a type of the profile if it is not bound to the denial, too late, or unknown', async () => {
      const own = await openRun(world().stack);
      const request = requestOf(await denied(own));
      const wrong = await post(REQUESTS, { ...request, resource: { type: 'repo', id: 'other/clord' } });
      expect([wrong.status, wrong.body.type]).toEqual([400, `${URN}invalid_denial_binding`]);
      expect(wrong.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      for (const more of [{ items: [] }, { callback: {} }, { subject: undefined }])
        expect((await post(REQUESTS, { ...request, ...more })).status).toBe(400);
      const url = ((await post(REQUESTS, request)).body.task as Json).status_endpoint;
      const answers = [
        await read(url, world().run.token),
        await read(url, world().otherTenant),
        await read(`${world().stack.url}${REQUESTS}/arq_unknown`),
      ];
      expect(answers.map(({ status, body }) => [status, body.type])).toEqual(
        answers.map(() => [404, `${URN}unknown_task`]),
      );
    });

    it('is withdrawn by its run at the address that its task names, once, and by no other run', async () => {
      const own = await openRun(world().stack);
      const { task } = (await post(REQUESTS, requestOf(await denied(own)))).body as { task: Json };
      const { cancel } = task.links as Json;
      expect((await read(cancel, world().run.token, 'DELETE')).status).toBe(404);
      const withdrawn = await read(cancel, own.token, 'DELETE');
      expect([withdrawn.status, withdrawn.body]).toEqual([
        200,
        { task: { id: task.id, status: 'cancelled', status_endpoint: task.status_endpoint } },
      ]);
      const again = await read(cancel, own.token, 'DELETE');
      expect([again.status, again.body.code]).toEqual([409, 'ALREADY_DECIDED']);
      const decision = { key: world().stack.keys.approver, body: { verdict: 'approve', note: 'too late' } };
      const late = await http(world().stack, 'POST', `/v1/approvals/${String(task.id)}/decision`, decision);
      expect([late.status, late.body.code]).toEqual([409, 'ALREADY_DECIDED']);
    });

    it('is not offered by a dry run, by a denial of the lease, or after a permit', async () => {
      const action = { ...READ, properties: { risk: 'high', args: { call: ++made } } };
      for (const body of [whole({ action, dryRun: true }), whole({ action: { name: 'secret.read' } }), whole()])
        expect((await evaluation(body)).body.context).not.toHaveProperty('access_request');
    });
  });
}
