import { accessRequestBody } from '@bailiwick/contracts/http/access-requests';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { rfc3339, systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import fc from 'fast-check';
import { decodeJwt, decodeProtectedHeader, SignJWT, type JWTPayload } from 'jose';
import type { Caller } from '../../auth/caller';
import type { GatewayConfig } from '../../config';
import { Refused } from '../../http/problems/problem';
import type { RequestContext } from '../../http/request-context';
import type { LogClient } from '../../log-client/log-client';
import { GRANT_ID, ISSUER, KID, refusalOf, RUN_ID, SIGNING_KEY, tokensAt } from '../../testing/tokens';
import { toAction, toDecision } from '../evaluation';
import { metadata } from '../metadata';
import { AccessRequests } from './access-requests';
import { BINDING_MEMBERS, DenialBindings, hashOf } from './denial-bindings';
import { RequestableDenials } from './requestable-denials';
import { typed } from './request-problems';
import { statusOf, taskOf } from './tasks';

/*
 * The requirements of the AuthZEN Access Request and Approval Profile (draft of August 2026) for a decision point and its
 * access request service, by the titles of its sections.
 */

type Json = Record<string, unknown>;

const ENDPOINT = `${ISSUER}/access/v1/requests`;
const APPROVAL = `apr_0_${'0'.repeat(25)}5`;
const ACTION = `act_0_${'0'.repeat(25)}6`;
const OTHER_RUN = `run_0_${'0'.repeat(25)}9`;
const CALLBACK = 'https://pep.example.com/callbacks';
const SOON = (): string => rfc3339(systemClock.now() + 3_600_000);

const EVALUATION: Json = {
  subject: { type: 'grant', id: GRANT_ID, properties: { department: 'Sales' } },
  action: { name: 'payment.send', properties: { args: { amount: 5 } } },
  resource: { type: 'account', id: 'acme', properties: { region: 'eu' } },
  context: { cost: { USD: 500 }, time: 'now' },
};
const key = (tenant = 'default'): Caller =>
  ({ kind: 'key', tenant, roles: ['enforcer'], actor: { kind: 'service', id: 'key:enforcer' } }) as unknown as Caller;
const run = (runId: string): Caller =>
  ({ kind: 'run', tenant: 'default', runId, grantId: GRANT_ID, actor: { kind: 'run', id: runId } }) as Caller;

/** The gateway's part of the profile, over an owner with one approval. */
function world(changed: Partial<ApprovalView> = {}) {
  const commands: Json[] = [];
  const approval = {
    id: APPROVAL,
    kind: 'action',
    status: 'pending',
    runId: RUN_ID,
    grantId: GRANT_ID,
    expiresAt: SOON(),
    ...changed,
  } as ApprovalView;
  const keys = new Map<unknown, unknown>();
  /** the addresses of webhooks for callbacks, and what was registered */
  const callbacks: Json[] = [];
  const logClient = {
    admin: (op: string, body: Json) => {
      if (op !== 'webhook-callback' || (body.callback as Json).endpoint !== CALLBACK)
        return Promise.reject(new Refused('FORBIDDEN', 'not registered'));
      callbacks.push(body);
      return Promise.resolve({});
    },
    look: (kind: string, log: string, id: string) => {
      if (kind === 'approval' && (id !== APPROVAL || !log.startsWith('default/')))
        return Promise.reject(new Refused('NOT_FOUND', 'not here'));
      return Promise.resolve(kind === 'approval' ? approval : { limits: { time: { expiresAt: SOON() } } });
    },
    command: (command: Json) => {
      const known = keys.get(command.commandId) ?? command.requestDigest;
      keys.set(command.commandId, known);
      if (known !== command.requestDigest) return Promise.reject(new Refused('IDEMPOTENCY_KEY_REUSED', 'used'));
      commands.push(command);
      return Promise.resolve({});
    },
  } as unknown as LogClient;
  const config = { publicUrl: ISSUER } as GatewayConfig;
  const bindings = new DenialBindings(tokensAt({ now: systemClock.now() }));
  const requests = new AccessRequests(logClient, bindings, config);
  const denials = new RequestableDenials(bindings, config);
  /** the context of the decision on an evaluation */
  const denied = async (
    evaluation: Json = EVALUATION,
    answer: Json = { decision: 'step-up', approvalId: APPROVAL, expiresAt: SOON() },
  ): Promise<Json> => {
    const decided = { actionId: ACTION, reasons: [], ...answer } as never;
    const extra = await denials.contextOf(key(), toAction(evaluation), { grantId: GRANT_ID, answer: decided });
    return (JSON.parse(toDecision(decided, extra).text) as { context: Json }).context;
  };
  const bodyOf = async (evaluation: Json = EVALUATION): Promise<Json> => {
    const context = await denied(evaluation);
    const { expires_at, binding_token } = context.access_request as Json;
    return { ...evaluation, denial: { evaluation_id: context.evaluation_id, expires_at, binding_token } };
  };
  const submit = (body: Json, caller = key(), idempotencyKey?: string) => {
    const command = (type: string, log: string, fields: Json) => ({
      ...{ type, log, commandId: idempotencyKey === undefined ? 'cmd_1' : `idk_${idempotencyKey}`, ...fields },
      ...(idempotencyKey === undefined ? {} : { requestDigest: JSON.stringify(body) }),
    });
    const context = { caller, command } as unknown as RequestContext;
    return requests.submit(context, accessRequestBody.parse(body));
  };
  const refused = async (body: Json, caller?: Caller) => {
    const refusal = await refusalOf(submit(body, caller));
    return (typed(refusal) as Refused).extra.type ?? refusal.code;
  };
  return { commands, callbacks, requests, denied, bodyOf, submit, refused };
}
const URN = 'urn:openid:authzen:access-request:error:';
const denialOf = (body: Json): Json => body.denial as Json;

describe('PDP Metadata', () => {
  it('has the https endpoint, the keys and the capability, and states that there are callbacks', () => {
    expect(metadata('https://pdp.example.com')).toMatchObject({
      access_request_endpoint: 'https://pdp.example.com/access/v1/requests',
      jwks_uri: 'https://pdp.example.com/oauth/jwks',
      capabilities: ['urn:openid:authzen:capability:access-request'],
      access_request_callbacks_supported: true,
    });
  });
});

describe('Requestable Denial Context', () => {
  it('is a denial with an endpoint, an expiry, a binding, an evaluation identifier and a reason', async () => {
    const context = await world().denied();
    expect(context).toMatchObject({
      evaluation_id: ACTION,
      evaluated_at: expect.any(String),
      reason: 'approval_required',
      access_request: { endpoint: ENDPOINT, expires_at: expect.any(String), binding_token: expect.any(String) },
    });
    expect(toDecision({ decision: 'step-up', reasons: [], actionId: ACTION } as never).decision).toBe(false);
  });

  it('is not in a permit, nor in a denial about which no person is asked', async () => {
    const { denied } = world();
    for (const answer of [{ decision: 'permit' }, { decision: 'deny' }, { decision: 'step-up', expiresAt: SOON() }])
      expect(await denied(EVALUATION, answer)).not.toHaveProperty('access_request');
  });

  it('is left out if nothing could be bound to it, or if the request for approval has ended', async () => {
    const { denied } = world();
    const unclear = { type: 'grant', id: GRANT_ID, properties: { big: Infinity } };
    const ended = { decision: 'step-up', approvalId: APPROVAL, expiresAt: rfc3339(systemClock.now() - 1) };
    expect(await denied({ ...EVALUATION, subject: unclear })).not.toHaveProperty('access_request');
    expect(await denied(EVALUATION, ended)).not.toHaveProperty('access_request');
  });

  it('ends with the request for approval, and soon', async () => {
    const { denied } = world();
    const until = systemClock.now() + 60_000;
    const expiry = async (expiresAt: string) => {
      const context = await denied(EVALUATION, { decision: 'step-up', approvalId: APPROVAL, expiresAt });
      return Date.parse(String((context.access_request as Json).expires_at));
    };
    expect(await expiry(rfc3339(until))).toBeLessThanOrEqual(until);
    expect(await expiry(rfc3339(until + 86_400_000))).toBeLessThanOrEqual(
      systemClock.now() + LIMITS.authzen.requestableMs,
    );
  });
});

describe('Denial Binding Claims', () => {
  it('name issuer, audience, times, id, the members of the context that bind, and the hash of the evaluation', async () => {
    const token = String(denialOf(await world().bodyOf()).binding_token);
    expect(decodeProtectedHeader(token)).toMatchObject({ alg: 'EdDSA', kid: KID, typ: 'authzen-denial+jwt' });
    const claims = decodeJwt(token);
    expect(claims).toMatchObject({
      iss: ISSUER,
      aud: ENDPOINT,
      jti: ACTION,
      evaluation_id: ACTION,
      binding_context_members: [...BINDING_MEMBERS],
      binding_hash: hashOf(EVALUATION as never, BINDING_MEMBERS),
    });
    expect(Date.parse(String(claims.denial_expires_at))).toBe((claims.exp as number) * 1_000);
  });

  it('use the construction of the profile for the hash, without the actor of the subject', () => {
    const asked = { subject: { type: 'user', id: 'a' }, action: { name: 'read' }, resource: { type: 'r', id: '1' } };
    // SHA-256 of {"action":{"name":"read"},"context":{},"resource":{"id":"1","type":"r"},"subject":{"id":"a","type":"user"}}
    expect(hashOf(asked, [])).toBe('okOoWPjwnL454qz3xbCPfw855JuACwXmfxagK3OZp08');
    const act = { ...asked, subject: { ...asked.subject, properties: { act: { sub: 'x' } } } };
    const none = { ...asked, subject: { ...asked.subject, properties: {} } };
    expect(hashOf(act, [])).toBe(hashOf(none, []));
  });
});

describe('Access Request Submission', () => {
  it('returns an opaque task that polls at the status endpoint, and records who asked and why', async () => {
    const { bodyOf, submit, commands } = world();
    const body = await bodyOf();
    const context = { ...(body.context as Json), business_justification: 'the customer is waiting' };
    expect(await submit({ ...body, context })).toEqual({
      task: {
        id: APPROVAL,
        status: 'pending',
        status_endpoint: `${ENDPOINT}/${APPROVAL}`,
        expires_at: expect.any(String),
        links: { cancel: `${ENDPOINT}/${APPROVAL}` },
      },
    });
    expect(commands).toMatchObject([
      {
        type: 'requestAccess',
        log: 'default/0',
        approvalId: APPROVAL,
        payload: { value: { reason: 'the customer is waiting', by: 'key:enforcer' } },
      },
    ]);
  });

  it('is refused without verifiable binding material', async () => {
    const { bodyOf, refused } = world();
    const body = await bodyOf();
    const { binding_token, ...rest } = denialOf(body);
    for (const denial of [undefined, rest, { binding_token: 'x', expires_at: rest.expires_at }])
      expect(await refused({ ...body, denial })).toBe(`${URN}invalid_denial_binding`);
    expect(binding_token).toBeDefined();
  });

  it.each<[string, Json]>([
    ['another subject', { subject: { type: 'grant', id: GRANT_ID.replace(/3$/, '4') } }],
    ['other properties of the subject', { subject: { type: 'grant', id: GRANT_ID } }],
    ['another resource', { resource: { type: 'account', id: 'evil', properties: { region: 'eu' } } }],
    ['other properties of the resource', { resource: { type: 'account', id: 'acme', properties: { region: 'us' } } }],
    ['another action', { action: { name: 'payment.void', properties: { args: { amount: 5 } } } }],
    ['other arguments', { action: { name: 'payment.send', properties: { args: { amount: 6 } } } }],
    ['another cost', { context: { cost: { USD: 501 } } }],
    ['no cost', { context: {} }],
    ['labels that the denial did not have', { context: { cost: { USD: 500 }, labels: ['trusted'] } }],
  ])('is refused for %s than the denial was about', async (_what, changed) => {
    const { bodyOf, refused, commands } = world();
    expect(await refused({ ...(await bodyOf()), ...changed })).toBe(`${URN}invalid_denial_binding`);
    expect(commands).toEqual([]);
  });

  it('accepts other members of the context, and unknown members anywhere', async () => {
    const { bodyOf, submit } = world();
    const body = await bodyOf();
    const more = { context: { cost: { USD: 500 }, time: 'later' }, requested_access: { emergency: true }, foo: 1 };
    expect(await submit({ ...body, ...more })).toMatchObject({ task: { status: 'pending' } });
  });

  it('does not read what is requested, a template or the emergency of a request as authorization', async () => {
    const { bodyOf, submit, commands } = world();
    const body = await bodyOf();
    const wanted = { requested_access: { emergency: true, requested_until: '2099-01-01T00:00:00Z', role: 'admin' } };
    await submit({ ...body, ...wanted, denial: { ...denialOf(body), template: 'auto_approve' } });
    expect(commands[0]).toMatchObject({ type: 'requestAccess', approvalId: APPROVAL });
    expect(JSON.stringify(commands)).not.toMatch(/emergency|admin|2099|auto_approve/);
  });

  it('of several items is refused and not half accepted', async () => {
    const { bodyOf } = world();
    const body = await bodyOf();
    for (const more of [
      { items: [] },
      { items: [{}] },
      { callback: {} },
      { callback: { endpoint: 'x', events: ['x'] } },
    ])
      expect(accessRequestBody.safeParse({ ...body, ...more }).success).toBe(false);
  });
});

describe('Callback Completion', () => {
  const callback = { endpoint: CALLBACK, state: 'opaque', events: ['approved'] };

  it('is for an address that is registered, before the request is recorded', async () => {
    const { bodyOf, submit, callbacks, commands } = world();
    await submit({ ...(await bodyOf()), callback: { ...callback, more: 1 } });
    expect(callbacks).toEqual([
      { tenant: 'default', approval: APPROVAL, statusEndpoint: `${ENDPOINT}/${APPROVAL}`, callback },
    ]);
    expect(commands).toHaveLength(1);
  });

  it('is refused for any other address, and then nothing is requested', async () => {
    const { bodyOf, refused, commands } = world();
    const other = { ...callback, endpoint: `${CALLBACK}/other` };
    expect(await refused({ ...(await bodyOf()), callback: other })).toBe('FORBIDDEN');
    expect(commands).toEqual([]);
  });

  it('does not lose a decision from before it: the response shows it', async () => {
    const { bodyOf, submit } = world({ status: 'denied' });
    expect(await submit({ ...(await bodyOf()), callback })).toMatchObject({ task: { status: 'denied' } });
  });
});

describe('Idempotency', () => {
  it('returns the same task for a repeated submission, with a key and without', async () => {
    const { bodyOf, submit, commands } = world();
    const body = await bodyOf();
    expect(await submit(body, key(), 'one')).toEqual(await submit(body, key(), 'one'));
    await submit(body);
    await submit(body);
    const [first, again, without, repeated] = commands;
    expect([again?.commandId, repeated?.commandId]).toEqual([first?.commandId, without?.commandId]);
    expect(without?.commandId).toMatch(/^idk_[0-9a-f]{52}$/);
  });

  it('refuses the same key for another submission as a duplicate', async () => {
    const { bodyOf, submit } = world();
    const other = { ...EVALUATION, resource: { type: 'account', id: 'other' } };
    await submit(await bodyOf(), key(), 'one');
    const refusal = await refusalOf(submit(await bodyOf(other), key(), 'one'));
    expect((typed(refusal) as Refused).extra.type).toBe(`${URN}duplicate_request`);
  });
});

describe('Verifying the Denial Binding', () => {
  /** a submission whose token has other claims or another signature */
  const forged = async (
    { bodyOf }: ReturnType<typeof world>,
    changed: JWTPayload,
    header: Json = {},
    signer: Parameters<SignJWT['sign']>[0] = SIGNING_KEY,
  ): Promise<Json> => {
    const body = await bodyOf();
    const claims = { ...decodeJwt(String(denialOf(body).binding_token)), ...changed };
    const binding_token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'EdDSA', kid: KID, typ: 'authzen-denial+jwt', ...header })
      .sign(signer);
    return { ...body, denial: { ...denialOf(body), binding_token, expires_at: claims.denial_expires_at } };
  };

  it.each<[string, JWTPayload, Json]>([
    ['of another issuer', { iss: 'https://other.example' }, {}],
    ['for another audience', { aud: 'https://other.example/access/v1/requests' }, {}],
    ['without an audience', { aud: undefined }, {}],
    ['of another tenant', { tenant: 'other' }, {}],
    ['without an expiry', { exp: undefined }, {}],
    ['without an id', { jti: undefined }, {}],
    ['of another type, such as that of a grant', {}, { typ: 'at+jwt' }],
    ['of an unknown key', {}, { kid: 'another' }],
    ['about another evaluation', { evaluation_id: `act_0_${'0'.repeat(25)}7` }, {}],
  ])('refuses a token %s', async (_what, changed, header) => {
    const one = world();
    expect(await one.refused(await forged(one, changed, header))).toBe(`${URN}invalid_denial_binding`);
  });

  it('refuses a token with a changed byte, and one that is not signed or signed by a shared secret', async () => {
    const one = world();
    const body = await one.bodyOf();
    const [head, claims, signature = ''] = String(denialOf(body).binding_token).split('.');
    const none = Buffer.from('{"alg":"none","typ":"authzen-denial+jwt"}').toString('base64url');
    const secret = await forged(one, {}, { alg: 'HS256' }, Buffer.alloc(32));
    const tokens = [
      `${head}.${claims}.${signature.startsWith('A') ? 'B' : 'A'}${signature.slice(1)}`,
      `${none}.${claims}.`,
      denialOf(secret).binding_token,
    ];
    for (const binding_token of tokens)
      expect(await one.refused({ ...body, denial: { ...denialOf(body), binding_token } })).toBe(
        `${URN}invalid_denial_binding`,
      );
  });

  it('refuses an expiry that is not the one of the denial', async () => {
    const { bodyOf, refused } = world();
    const body = await bodyOf();
    const denial = { ...denialOf(body), expires_at: rfc3339(systemClock.now() + 86_400_000) };
    expect(await refused({ ...body, denial })).toBe(`${URN}invalid_denial_binding`);
  });

  it('refuses a submission after the expiry, with status 410', async () => {
    const one = world();
    const exp = Math.floor(systemClock.now() / 1_000) - 1;
    const late = await forged(one, { exp, denial_expires_at: rfc3339(exp * 1_000) });
    expect(await one.refused(late)).toBe(`${URN}expired_denial`);
    expect(one.commands).toEqual([]);
  });

  it('refuses any change of what was denied, and nothing else', () => {
    const value = fc.jsonValue({ maxDepth: 2 });
    const object = fc.dictionary(fc.constantFrom('type', 'id', 'name', 'properties'), value);
    const context = fc.dictionary(fc.constantFrom('cost', 'labels', 'time', 'approval'), value);
    const asked = fc.record({ subject: object, action: object, resource: object, context });
    fc.assert(
      fc.property(asked, asked, (one, other) => {
        const bound = ({ context: { cost, labels }, ...rest }: typeof one) => ({ ...rest, cost, labels });
        const subjectOf = ({ subject }: typeof one) => JSON.stringify(subject);
        if (subjectOf(one).includes('"act"') || subjectOf(other).includes('"act"')) return;
        let equal = true;
        try {
          expect(bound(one)).toStrictEqual(bound(other));
        } catch {
          equal = false;
        }
        expect(hashOf(one as never, BINDING_MEMBERS) === hashOf(other as never, BINDING_MEMBERS)).toBe(equal);
        const later = { ...one, context: { ...one.context, time: 'later', approval: {} } };
        expect(hashOf(later as never, BINDING_MEMBERS)).toBe(hashOf(one as never, BINDING_MEMBERS));
      }),
    );
  });
});

describe('Endpoint Protection, Actor and Source Verification', () => {
  it('lets a run request and read only what is its own', async () => {
    const { bodyOf, submit, requests } = world();
    const body = await bodyOf();
    expect(await submit(body, run(RUN_ID))).toMatchObject({ task: { status: 'pending' } });
    expect((await refusalOf(submit(body, run(OTHER_RUN)))).code).toBe('FORBIDDEN');
    expect((await refusalOf(requests.read(run(OTHER_RUN), APPROVAL))).code).toBe('NOT_FOUND');
  });

  it('finds no task of another tenant, and accepts no denial of one', async () => {
    const { bodyOf, refused, requests } = world();
    expect((await refusalOf(requests.read(key('other'), APPROVAL))).code).toBe('NOT_FOUND');
    expect(await refused(await bodyOf(), key('other'))).toBe(`${URN}invalid_denial_binding`);
  });

  it('refuses an actor that neither the credential nor the log proves, and a chain', async () => {
    const { bodyOf, submit } = world();
    const body = await bodyOf();
    for (const actor of [{ id: 'key:enforcer' }, { id: RUN_ID, type: 'ai_agent' }])
      expect(await submit({ ...body, client: { id: 'pep', actor } })).toMatchObject({ task: { status: 'pending' } });
    for (const actor of [{ id: 'user:boss' }, { id: OTHER_RUN }, { id: RUN_ID, act: { sub: 'user:boss' } }])
      expect((await refusalOf(submit({ ...body, client: { actor } }))).code).toBe('FORBIDDEN');
  });
});

describe('Task Status Values and State Transitions', () => {
  it('map each status of an approval, and an approved task stays approved', () => {
    const by = 'ref_ada';
    const of = (status: ApprovalView['status'], decidedBy?: string) => statusOf({ status, decidedBy });
    expect([of('pending'), of('approved', by), of('denied', by), of('expired')]).toEqual([
      'pending',
      'approved',
      'denied',
      'expired',
    ]);
    expect([of('used', by), of('revoked', by), of('revoked')]).toEqual(['approved', 'approved', 'cancelled']);
  });

  it('show progress if several people must approve, and no result before they have', async () => {
    const { requests } = world({ given: 1, needed: 2 });
    expect(await requests.read(key(), APPROVAL)).toMatchObject({
      task: { status: 'pending', progress: { current_step: 2, total_steps: 2 } },
    });
    expect(await requests.read(key(), APPROVAL)).not.toHaveProperty('result');
  });
});

describe('Completed Task Response', () => {
  const decided = { status: 'approved', decidedAt: '2026-03-01T12:00:00.000Z', decidedBy: 'ref_ada' } as const;

  it('has a result to evaluate again with, which ends', async () => {
    const { requests } = world(decided);
    expect(await requests.read(key(), APPROVAL)).toEqual({
      task: { id: APPROVAL, status: 'approved', status_endpoint: `${ENDPOINT}/${APPROVAL}` },
      result: {
        mode: 'reevaluate',
        approval: { id: APPROVAL, approved_at: decided.decidedAt, approved_until: '2026-03-01T13:00:00.000Z' },
      },
    });
  });

  it('ends with the lease, for more than one call and if the lease ends first', () => {
    const until = (scope: 'call' | 'target', ends: string) =>
      taskOf({ id: APPROVAL, ...decided, scope } as ApprovalView, ENDPOINT, {
        status: 'active',
        limits: { time: { expiresAt: ends } },
      }).result?.approval.approved_until;
    expect(until('target', '2026-03-01T18:00:00.000Z')).toBe('2026-03-01T18:00:00.000Z');
    expect(until('call', '2026-03-01T12:10:00.000Z')).toBe('2026-03-01T12:10:00.000Z');
  });

  it.each(['denied', 'expired', 'revoked', 'pending'] as const)('has no result if it is %s', async (status) => {
    expect(await world({ status }).requests.read(key(), APPROVAL)).not.toHaveProperty('result');
  });

  it('discloses neither people, nor notes, nor the policy, nor the resource', async () => {
    const secrets = { approvers: 'user:boss', note: 'no way', asks: 'pay acme', answers: [{ by: 'ref_boss' }] };
    const { requests } = world({ ...decided, ...secrets } as never);
    expect(JSON.stringify(await requests.read(key(), APPROVAL))).not.toMatch(/boss|no way|acme|ada/);
  });

  it('returns the finished task at once if people have answered before the submission', async () => {
    const { bodyOf, submit } = world(decided);
    expect(await submit(await bodyOf())).toMatchObject({
      task: { status: 'approved' },
      result: { mode: 'reevaluate' },
    });
  });
});

describe('Error Responses', () => {
  it('report a task that does not exist, or is no request about a call, as unknown', async () => {
    for (const [changed, id] of [
      [{}, `apr_0_${'0'.repeat(26)}`],
      [{}, 'arq_unknown'],
      [{ kind: 'escalation' }, APPROVAL],
    ] as const) {
      const refusal = await refusalOf(world(changed).requests.read(key(), id));
      expect((typed(refusal) as Refused).extra.type).toBe(`${URN}unknown_task`);
    }
  });

  it('report a denial about which no person is asked any more as not requestable', async () => {
    const body = await world().bodyOf();
    expect(await world({ kind: 'grant' }).refused(body)).toBe(`${URN}not_requestable`);
  });
});

describe('Approval and Re-evaluation', () => {
  const withApproval = (approval: unknown, more: Json = {}): Json => ({
    ...EVALUATION,
    context: { ...(EVALUATION.context as Json), approval, ...more },
  });

  it('reads the approval as the task returned it', () => {
    const approval = { id: APPROVAL, approved_until: SOON(), state: { any: 'thing' } };
    expect(toAction(withApproval(approval)).request.approvalId).toBe(APPROVAL);
  });

  it('decides as not approved by a reference that is none of ours', () => {
    for (const approval of [{ id: 'arq_1' }, { id: 5 }, {}, 'x', null, [APPROVAL]])
      expect(toAction(withApproval(approval)).request).not.toHaveProperty('approvalId');
  });

  it('refuses two references that differ', () => {
    const other = APPROVAL.replace(/5$/, '6');
    expect(() => toAction(withApproval({ id: APPROVAL }, { approvalId: other }))).toThrow('differ');
    expect(toAction(withApproval({ id: APPROVAL }, { approvalId: APPROVAL })).request.approvalId).toBe(APPROVAL);
  });

  it.each([
    ['APPROVAL_NOT_USABLE', 'deny', 'approval_expired', 'none'],
    ['APPROVAL_MISMATCH', 'deny', 'out_of_scope', 'none'],
    ['OBJECTIONS_ADDED', 'step-up', 'out_of_scope', 'request'],
    ['RISK_NEEDS_APPROVAL', 'step-up', 'out_of_scope', 'request'],
    ['BUDGET_EXHAUSTED', 'deny', 'policy_denied', 'none'],
  ])('after %s by %s the reason is %s, and the next action %s', async (code, decision, reason, next) => {
    const { denied } = world();
    const context = await denied(withApproval({ id: APPROVAL }), {
      ...{ decision, reasons: [{ code }], expiresAt: SOON() },
      ...(decision === 'step-up' ? { approvalId: APPROVAL } : {}),
    });
    expect(context).toMatchObject({ reason, next_action: next });
    expect('access_request' in context).toBe(next === 'request');
  });
});
