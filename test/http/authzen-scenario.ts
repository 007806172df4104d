import { http, type HttpAnswer, type Stack } from '../support/stack';
import { RUN } from './world';

type Json = Record<string, unknown>;
type Ids = (string | undefined)[];

/*
 * The certification scenario of the AuthZEN working group for the Authorization API 1.0, with its numbers in the titles:
 * Basic, Batch and Search, Core and Properties; Discovery is in authzen.spec.ts. Its subjects are users, so the policy maps
 * them to people, who have leases. That bob is an admin is a fact about their lease, whose agent is of another class: a role
 * that a caller states gives no right.
 * @see https://github.com/openid/authzen/blob/main/certification/authorization-api-1_0-scenario.md
 */

const POLICY = `
catalog:
  - { match: [read], effects: [read], risk: low }
  - { match: [write], effects: [write], risk: low }
  - { match: [delete], effects: [write], risk: low, attributes: { soft: /soft } }
subjects:
  - { type: user, prefix: "user:" }
conditions:
  - cedar: |
      @id("archived")
      forbid (principal, action == Action::"write", resource)
      when { resource.attributes has status && resource.attributes.status == "archived" }
      unless { principal in Class::"admin" };
`;

const record = (match: string, more: Json = {}): Json => ({ type: 'record', match, ...more });
const LEASES = [
  {
    user: 'alice',
    class: 'clerk',
    permissions: [
      { actions: ['read', 'write'], resources: [record('record-1'), record('record-*')] },
      { actions: ['delete'], resources: [record('record-1', { where: { soft: { eq: true } } })] },
    ],
  },
  {
    user: 'bob',
    class: 'admin',
    permissions: [
      { actions: ['read'], resources: [record('record-1'), record('record-2')] },
      { actions: ['write'], resources: [record('record-2')] },
    ],
  },
];

/** Deploys the policy of the scenario and opens the leases of its subjects. @param keys of an empty tenant */
export async function prepare(stack: Stack, keys: Record<string, string>): Promise<void> {
  const body = { bundle: { 'scenario.yaml': POLICY }, replaces: 0 };
  const deployed = await http(stack, 'POST', '/v1/policies', { key: keys.admin as string, body });
  if (deployed.status !== 201) throw new Error(JSON.stringify(deployed.body));
  for (const { user, class: name, permissions } of LEASES) {
    const grant = { permissions, budget: { calls: 500, reads: 500, writes: 500 }, time: { ttl: '1h' } };
    const run = { ...RUN, agent: { class: name }, requestedBy: `user:${user}`, grant };
    const opened = await http(stack, 'POST', '/v1/runs', { key: keys.orchestrator as string, body: run });
    if (opened.status !== 201) throw new Error(JSON.stringify(opened.body));
  }
}

const [alice, bob] = [
  { type: 'user', id: 'alice' },
  { type: 'user', id: 'bob' },
];
const admin = { ...bob, properties: { role: 'admin' } };
const [read, write] = [{ name: 'read' }, { name: 'write' }];
const one = { type: 'record', id: 'record-1' };
const [active, archived] = [
  { ...one, properties: { status: 'active' } },
  { type: 'record', id: 'record-2', properties: { status: 'archived' } },
];
const softly = (soft: boolean): Json => ({ name: 'delete', properties: { soft } });
const ask = (subject: Json, action: Json, resource: Json): Json => ({ subject, action, resource });

/** Declares the tests. @param world the system, and a key of an enforcer of the tenant */
export function describeScenario(world: () => { stack: Stack; key: string }): void {
  const post = (path: string, body: Json): Promise<HttpAnswer> => {
    const { stack, key } = world();
    return http(stack, 'POST', `/access/v1/${path}`, { key, body });
  };
  const decision = async (body: Json): Promise<unknown> => {
    const answer = await post('evaluation', body);
    expect(answer.status).toBe(200);
    return answer.body.decision;
  };
  const decisions = async (body: Json): Promise<unknown[]> => {
    const answer = await post('evaluations', body);
    expect(answer.status).toBe(200);
    return (answer.body.evaluations as Json[]).map((each) => each.decision);
  };
  const search = async (kind: string, body: Json): Promise<Ids> => {
    const answer = await post(`search/${kind}`, body);
    expect(answer.status).toBe(200);
    const { results, page } = answer.body as { results: Json[]; page: Json };
    expect(page).toEqual({ next_token: expect.any(String), count: results.length });
    for (const each of results) {
      if (kind === 'action') expect(each).toEqual({ name: expect.any(String) });
      else expect(each).toEqual({ type: (body[kind] as Json).type, id: expect.any(String) });
    }
    return results.map((each) => String(each.id ?? each.name));
  };

  describe('the certification scenario of AuthZEN', () => {
    it.each<[string, boolean, Json]>([
      ['2.2.1', true, ask(alice, read, one)],
      ['1.4 rule 2', true, ask(alice, write, one)],
      ['1.4 rule 3', true, ask(bob, read, one)],
      ['2.2.2', false, ask(bob, write, one)],
      ['2.2.4', false, ask(alice, write, archived)],
      ['2.2.5', true, ask(admin, write, archived)],
      ['2.2.6', true, ask(alice, softly(true), one)],
      ['2.2.7', false, ask(alice, softly(false), one)],
    ])('decides %s as %s, twice', async (_id, expected, body) => {
      expect([await decision(body), await decision(body)]).toEqual([expected, expected]);
      expect(await decision({ ...body, context: { time: '2025-06-27T18:03-07:00' }, foo: 'bar' })).toBe(expected);
    });

    it.each<[string, boolean[], Json]>([
      ['3.2.2', [true, false], { subject: bob, resource: one, evaluations: [{ action: read }, { action: write }] }],
      [
        '3.2.3',
        [true, false],
        { subject: alice, action: write, evaluations: [{ resource: active }, { resource: archived }] },
      ],
      [
        '3.2.4',
        [false, true],
        { action: write, resource: archived, evaluations: [{ subject: alice }, { subject: admin }] },
      ],
      ['3.2.5', [true, false], { evaluations: [ask(alice, read, one), ask(bob, write, one)] }],
      [
        '3.2.7',
        [true, false],
        {
          ...ask(alice, write, { type: 'record' }),
          evaluations: [{ resource: { ...active, type: undefined } }, { resource: archived }],
        },
      ],
      ['3.4.1', [true, false], { subject: alice, action: read, evaluations: [{ resource: one }, {}] }],
    ])('decides the batch %s as %j', async (_id, expected, body) => {
      expect(await decisions(body)).toEqual(expected);
    });

    it.each<[string, string, Ids, Json]>([
      ['4.2.1', 'subject', ['alice', 'bob'], ask({ type: 'user' }, read, one)],
      ['4.2.4', 'subject', ['bob'], ask({ type: 'user' }, write, archived)],
      ['4.3.1', 'resource', ['record-1'], ask(alice, read, { type: 'record' })],
      ['4.3.3', 'resource', ['record-2'], ask(admin, write, { type: 'record' })],
      ['4.4.1', 'action', ['read', 'write'], { subject: alice, resource: one }],
      ['4.4.3', 'action', ['read', 'write'], { subject: admin, resource: archived }],
    ])('answers the search %s for a %s with %j, with and without a context', async (_id, kind, expected, body) => {
      // additional results are accepted
      expect(await search(kind, body)).toEqual(expect.arrayContaining(expected));
      const found = await search(kind, { ...body, context: { time: 'now' } });
      expect(found).toEqual(expect.arrayContaining(expected));
      expect(new Set(found).size).toBe(found.length);
    });

    it('returns pages of a search of subjects, and ignores an id of what is searched for (4.2.3, 4.5)', async () => {
      const body = ask({ type: 'user', id: 'ignored' }, read, one);
      const first = await post('search/subject', { ...body, page: { limit: 1 } });
      expect(first.body).toEqual({ results: [alice], page: { next_token: expect.stringMatching(/./), count: 1 } });
      const token = (first.body.page as Json).next_token;
      const second = await post('search/subject', { ...body, page: { token } });
      expect(second.body).toEqual({ results: [bob], page: { next_token: '', count: 1 } });
    });

    it.each<[string, string, Json]>([
      ['4.6.1', 'action', { subject: { type: 'user', id: 'nonexistent-user' }, resource: one }],
      ['4.6.2', 'subject', ask({ type: 'spaceship' }, read, one)],
      ['4.6.2', 'resource', ask(alice, read, { type: 'spaceship' })],
      ['4.6.2', 'action', { subject: { type: 'spaceship', id: 'x' }, resource: one }],
    ])('answers %s, a search for a %s by something unknown, with no results', async (_id, kind, body) => {
      expect(await search(kind, body)).toEqual([]);
    });

    it.each<[string, Json]>([
      ['subject', { subject: { type: 'user' }, resource: one }],
      ['resource', { action: read, resource: { type: 'record' } }],
      ['action', { subject: alice }],
      ['subject', ask({ type: 'user' }, read, { type: 'record' })],
      ['resource', ask({ type: 'user' }, read, { type: 'record' })],
    ])('refuses a search for a %s without what it requires, with status 400 (4.7)', async (kind, body) => {
      expect((await post(`search/${kind}`, body)).status).toBe(400);
    });
  });
}
