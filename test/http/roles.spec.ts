import { LIMITS } from '@bailiwick/core/limits';
import { http, Stack, until } from '../support/stack';
import { keyOf, ROLES, send, TABLE, type Row, type Who } from './roles-table';
import {
  changesAfter,
  head,
  makeTenant,
  openRun,
  problemIn,
  unknown,
  writtenAfter,
  writtenOnce,
  type Opened,
} from './world';

let stack: Stack;
let some: Opened;

beforeAll(async () => {
  stack = await Stack.start();
  some = await openRun(stack);
}, 120_000);
afterAll(() => stack.stop());

const closed = TABLE.filter((row): row is Row & { may: readonly Who[] } => row.may !== 'anyone');
const others = (row: { may: readonly Who[] }): Who[] => ROLES.filter((who) => !row.may.includes(who));
const named = (rows: readonly Row[]): [string, Row][] => rows.map((row) => [row.route, row]);

describe('the table of this test', () => {
  it('lists every route and no other', async () => {
    const { body } = await http(stack, 'GET', '/openapi.json');
    const paths = body.paths as Record<string, object>;
    const there = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(TABLE.map((row) => row.route).sort()).toEqual(there.sort());
  });
});

describe('permitted roles', () => {
  const cells = closed.flatMap((row) =>
    row.may.map((who): [string, string, Row & { may: readonly Who[] }, Who] => [row.route, who, row, who]),
  );

  it.each(cells)('%s is open to %s', async (route, _who, row, who) => {
    const run = await openRun(stack);
    const request = await row.request(stack, run);
    const key = keyOf(stack, who, run);
    // a read model may still have to catch up
    if (route.startsWith('GET'))
      await until(
        `${route} to answer ${row.status}`,
        async () => (await send(stack, route, request, key)).status === row.status,
      );
    else expect((await send(stack, route, request, key)).status).toBe(row.status);
  });

  it.each(named(TABLE.filter((row) => row.may === 'anyone')))('%s is open without a key', async (route, row) => {
    const request = await row.request(stack, some);
    for (const key of [undefined, 'an-unknown-key', ...ROLES.map((who) => keyOf(stack, who, some))])
      expect((await send(stack, route, request, key)).status).toBe(row.status);
  });
});

describe('other roles', () => {
  // More refusals of one key than its budget are counted, not written (LIMITS.refusals.run): each part of the table is
  // asked with separate keys.
  let own: Stack;
  let asked = 0;
  beforeEach(async () => {
    if (asked++ % (LIMITS.refusals.run.burst / 2) === 0) own = await stack.another();
  });

  it.each(named(closed))('%s is closed to all other roles: 403 and a record of each refusal', async (route, row) => {
    const run = await openRun(own);
    const request = await row.request(own, run);
    const refused = others(row as { may: readonly Who[] });
    const grant = () => http(own, 'GET', `/v1/grants/${run.grantId}`, { key: own.keys.analyst });
    const before = { head: await head(own), grant: (await grant()).body };
    for (const who of refused) {
      const { status, code } = await send(own, route, request, keyOf(own, who, run));
      expect([who, status, code]).toEqual([who, 403, 'FORBIDDEN']);
    }
    const events = await writtenOnce(own, before.head, refused.length);
    expect(events.map((event) => event.type)).toEqual(refused.map(() => 'Refused'));
    // each names the refused caller and the route
    expect(events.map((event) => event.actor.role ?? event.actor.kind).sort()).toEqual([...refused].sort());
    for (const { data, actor } of events) {
      expect(data).toMatchObject({ code: 'FORBIDDEN', detail: expect.stringContaining('may not') });
      const command = String(data.command).replace('::', ':');
      expect(command.replace(/:(?!batch)\w+/g, '{}')).toBe(route.replace(/\{\w+\}/g, '{}'));
      if (actor.kind === 'run') expect(actor.id).toBe(run.runId);
    }
    expect((await grant()).body).toEqual(before.grant);
  });

  it.each(named(closed))('%s is closed without a known key: 401, and nothing is written', async (route, row) => {
    const request = await row.request(stack, some);
    const before = await head(stack);
    const wrong = [undefined, 'x', 'an-unknown-key', `${stack.keys.admin!}x`, `${some.token.slice(0, -4)}AAAA`];
    for (const key of wrong) {
      const { status, code, headers } = await send(stack, route, request, key);
      expect([key, status, code]).toEqual([key, 401, 'UNAUTHENTICATED']);
      expect(headers.get('www-authenticate')).toMatch(/^Bearer/);
    }
    expect(await writtenAfter(stack, before)).toEqual([]);
  });

  it.each(named(closed))(
    '%s reveals to other roles neither whether an id exists nor whether a body is valid',
    async (route, row) => {
      const who = others(row as { may: readonly Who[] })[0]!;
      const path = route.split(' ')[1]!.replace(/\{\w+\}/g, 'x');
      const body = route.startsWith('GET') ? undefined : { surely: 'unknown' };
      const asked = await send(own, route, { path, body }, keyOf(own, who, some));
      expect([asked.status, asked.code]).toEqual([403, 'FORBIDDEN']);
      expect((await send(own, route, { path, body }, undefined)).status).toBe(401);
    },
  );
});

describe("a run's own token", () => {
  // the permissions of the own run are read without an id
  const own = closed.filter((row) => row.may.includes('run') && !row.route.endsWith('/self'));

  it.each(named(own))(
    'is valid for its own run only: %s of another run is refused and changes nothing',
    async (route, row) => {
      const [mine, theirs] = [await openRun(stack), await openRun(stack)];
      const request = await row.request(stack, theirs);
      const before = await head(stack);
      const { status, code } = await send(stack, route, request, mine.token);
      // the action and the request of another run get the same answer as those that do not exist
      if (route.endsWith('/outcome') || route.endsWith(' /access/v1/requests/{id}')) {
        expect([status, code]).toEqual([404, 'NOT_FOUND']);
        expect(await changesAfter(stack, before)).toEqual([]);
        expect((await send(stack, route, request, theirs.token)).status).toBe(200);
        return;
      }
      // a search for subjects ignores the id of the one it is sent (AuthZEN 1.0, Subject Search), and finds only the own run
      if (route.endsWith('/search/subject')) {
        const { body } = await http(stack, 'POST', request.path, { key: mine.token, body: request.body });
        expect([status, body.results]).toEqual([200, [{ type: 'grant', id: mine.grantId }]]);
        expect(await writtenAfter(stack, before)).toEqual([]);
        return;
      }
      expect([status, code]).toEqual([403, 'FORBIDDEN']);
      const events = await writtenOnce(stack, before, 1);
      expect(events.map((event) => [event.type, event.actor.id])).toEqual([['Refused', mine.runId]]);
    },
  );

  it('gets the same refusal for an id that does not exist', async () => {
    const mine = await openRun(stack);
    for (const path of [`/v1/runs/${unknown(some.runId)}`, `/v1/runs/${some.runId}`]) {
      const answer = await http(stack, 'GET', path, { key: mine.token });
      expect([answer.status, problemIn(answer)]).toEqual([403, 'FORBIDDEN']);
    }
  });

  it('reads the whole tree of its run, but changes nothing above its run', async () => {
    const parent = await openRun(stack);
    const made = await http(stack, 'POST', `/v1/grants/${parent.grantId}/delegations`, {
      key: parent.token,
      body: { agent: { class: 'child' }, task: 'read', grant: {} },
    });
    const key = String(made.body.token);
    expect((await http(stack, 'GET', `/v1/trees/${parent.treeId}`, { key })).status).toBe(200);
    for (const path of [`/v1/runs/${parent.runId}`, `/v1/grants/${parent.grantId}`])
      expect((await http(stack, 'GET', path, { key })).status).toBe(403);
    const body = { agent: { class: 'child' }, task: 'read', grant: {} };
    const up = await http(stack, 'POST', `/v1/grants/${parent.grantId}/delegations`, { key, body });
    expect(up.status).toBe(403);
  });
});

describe('the admin of another tenant', () => {
  it('cannot create tenants: only the admin of the first tenant can', async () => {
    const keys = await makeTenant(stack, 'elsewhere');
    const answer = await http(stack, 'POST', '/v1/tenants', { key: keys.admin, body: { id: 'mine-too' } });
    expect([answer.status, problemIn(answer)]).toEqual([403, 'FORBIDDEN']);
  });
});
