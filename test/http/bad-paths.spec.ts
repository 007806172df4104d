import { http, Stack, type HttpAnswer } from '../support/stack';
import { openRun, problemIn, RUN, type Opened } from './world';

type Json = Record<string, unknown>;

let stack: Stack;
let run: Opened;
let approvalId: string;

beforeAll(async () => {
  stack = await Stack.start();
  run = await openRun(stack);
  const body = { ...RUN, requireApproval: true };
  const asked = await http(stack, 'POST', '/v1/runs', { key: stack.keys.orchestrator!, body });
  approvalId = (asked.body.approval as { id: string }).id;
}, 120_000);
afterAll(() => stack.stop());

describe('a query is refused', () => {
  const get = (path: string): Promise<HttpAnswer> => http(stack, 'GET', path, { key: stack.keys.analyst! });
  const LISTS = ['/v1/runs', '/v1/grants', '/v1/actions', '/v1/approvals', '/v1/events'];

  it.each<[string, string[]]>([
    ['with an unknown parameter', ['x=1', 'X=', 'limits=1', '__proto__=1', 'constructor=1', '%00=1']],
    [
      'with an invalid limit',
      [
        'limit=0',
        'limit=-1',
        'limit=1001',
        'limit=1.5',
        'limit=',
        'limit=x',
        'limit=1e2',
        'limit=0x10',
        'limit=%201',
        'limit=01',
        'limit=NaN',
        'limit=1&limit=2',
      ],
    ],
    [
      'with an invalid position',
      [
        'minPosition=-1',
        'minPosition=x',
        'minPosition=',
        'minPosition=1.5',
        'minPosition=9007199254740992',
        'minPosition=1e1',
      ],
    ],
  ])('%s, on every list', async (_what, queries) => {
    for (const path of LISTS) {
      for (const query of queries) {
        const answer = await get(`${path}?${query}`);
        expect([path, query, answer.status, problemIn(answer)]).toEqual([path, query, 400, 'BAD_REQUEST']);
      }
    }
  });

  it('with a parameter, on every route that takes none', async () => {
    for (const path of [
      `/v1/runs/${run.runId}`,
      `/v1/grants/${run.grantId}`,
      `/v1/approvals/${approvalId}`,
      '/healthz',
      '/openapi.json',
      '/log/default/0/vkey',
    ]) {
      const answer = await get(`${path}?x=1`);
      expect([path, answer.status, problemIn(answer)]).toEqual([path, 400, 'BAD_REQUEST']);
    }
    const answer = await http(stack, 'POST', '/v1/runs?dryRun=true', { key: stack.keys.orchestrator!, body: RUN });
    expect([answer.status, problemIn(answer)]).toEqual([400, 'BAD_REQUEST']);
  });

  it('with an invalid cursor', async () => {
    const made = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    for (const path of LISTS.filter((each) => each !== '/v1/events')) {
      for (const cursor of [
        'x',
        '',
        '0',
        '%00',
        made({}),
        made(['default/0']),
        made([0, 0, 0]),
        made(['default/0', 1.5, 'a']),
        made(['default/0', 1, 'a\0']),
        'x'.repeat(500),
      ]) {
        const answer = await get(`${path}?cursor=${cursor}`);
        expect([path, cursor, answer.status, problemIn(answer)]).toEqual([path, cursor, 400, 'BAD_REQUEST']);
      }
    }
    expect((await get('/v1/approvals?status=pending&cursor=x')).status).toBe(400);
  });

  it('with an invalid search value', async () => {
    for (const query of [
      'treeId=x',
      'runId=x',
      `treeId=${run.runId}`,
      `runId=${'x'.repeat(100)}`,
      'status=%00',
      'agentClass=a%00b',
      `agentClass=${'x'.repeat(201)}`,
    ]) {
      const answer = await get(`/v1/runs?${query}`);
      expect([query, answer.status, problemIn(answer)]).toEqual([query, 400, 'BAD_REQUEST']);
    }
    for (const query of [
      'after=-2',
      'after=x',
      'after=',
      'after=0x1',
      'type=%00',
      `type=${'x'.repeat(65)}`,
      'log=default',
      'log=default/*',
      'log=default/0/1',
      'log=',
    ]) {
      const answer = await get(`/v1/events?${query}`);
      expect([query, answer.status, problemIn(answer)]).toEqual([query, 400, 'BAD_REQUEST']);
    }
    expect((await get('/v1/approvals?status=maybe')).status).toBe(400);
  });

  it.each([
    'x',
    '',
    '-1',
    '1.5',
    '1e1',
    '0x1',
    '2026-01-01',
    '2026-01-01T00:00:00',
    'yesterday',
    '2026-13-01T00:00:00Z',
    '1'.repeat(41),
  ])('for a tree at %j', async (at) => {
    const answer = await get(`/v1/trees/${run.treeId}?at=${encodeURIComponent(at)}`);
    expect([answer.status, problemIn(answer)]).toEqual([400, 'BAD_REQUEST']);
  });

  it('but accepted for a tree at a position or a time', async () => {
    const before = await get(`/v1/trees/${run.treeId}?at=${run.position}`);
    expect([before.status, (before.body.grants as Json[]).length]).toEqual([200, 1]);
    expect((await get(`/v1/trees/${run.treeId}?at=${encodeURIComponent(new Date().toISOString())}`)).status).toBe(200);
    // before the tree existed, and beyond the end of the log
    for (const at of ['2020-01-01T00:00:00Z', '999999999'])
      expect([at, (await get(`/v1/trees/${run.treeId}?at=${at}`)).status]).toEqual([at, 404]);
  });

  it('with a Last-Event-ID that no stream sent', async () => {
    const unknown = ['x', '-1', 'default/0', 'default/0:', 'default/0:x', `default/0:${'9'.repeat(20)}`];
    // ids of another log and of another tenant, and one beyond the end of the log
    for (const id of [...unknown, 'default/1:0', 'other/0:0', ':0', 'default/0:999999999']) {
      const answer = await http(stack, 'GET', '/v1/events/stream', {
        key: stack.keys.analyst!,
        headers: { 'last-event-id': id },
      });
      expect([id, answer.status, problemIn(answer)]).toEqual([id, 400, 'BAD_REQUEST']);
    }
    const beyond = await http(stack, 'GET', '/v1/events/stream?after=999999999', { key: stack.keys.analyst! });
    expect([beyond.status, problemIn(beyond)]).toEqual([400, 'BAD_REQUEST']);
  });
});

describe('a path', () => {
  const at = (method: string, path: string): Promise<HttpAnswer> =>
    http(stack, method, path, { key: stack.keys.analyst! });

  it.each([
    '/',
    '/v1',
    '/v1/',
    '/v1/nothing',
    '/v2/runs',
    '/v1/runs/',
    '/V1/runs',
    '/v1/actions:all',
    '/v1/runs//receipt',
    '/.env',
    '/console/..%2f..%2fetc/passwd',
  ])('that does not exist gets 404: %s', async (path) => {
    const answer = await at('GET', path);
    expect([answer.status, problemIn(answer)]).toEqual([404, 'NOT_FOUND']);
  });

  it.each([
    ['PUT', '/v1/runs', 'GET, POST'],
    ['DELETE', '/v1/runs/x', 'GET'],
    ['PATCH', '/v1/grants/x', 'GET'],
    ['GET', '/v1/actions:batch', 'POST'],
    ['GET', '/v1/quarantines/x', 'DELETE'],
    ['POST', '/log/default/0/tile/0/000', 'GET'],
    ['POST', '/healthz', 'GET'],
  ])('without a route for %s gets 405 with the allowed methods: %s', async (method, path, allow) => {
    const answer = await at(method, path);
    expect([answer.status, problemIn(answer)]).toEqual([405, 'METHOD_NOT_ALLOWED']);
    expect(answer.headers.get('allow')?.split(', ').sort().join(', ')).toBe(allow);
    for (const each of allow.split(', ')) expect(answer.body.detail).toContain(each);
  });

  it.each(['/v1/runs/%zz', '/v1/runs/%', '/v1/runs/%ff'])(
    'with invalid percent-encoding gets 400: %s',
    async (path) => {
      const answer = await at('GET', path);
      expect([answer.status, problemIn(answer)]).toEqual([400, 'BAD_REQUEST']);
    },
  );

  it.each(
    [
      '0/vkey',
      'x/vkey',
      '0x0/vkey',
      '00/checkpoint',
      '-1/vkey',
      '9/vkey',
      '0/proof/x',
      '0/proof/-1',
      '0/proof/999999',
      '0/tile/x',
      '0/tile/0',
      '0/tile/0/999',
      '0/tile/0/000.p/0',
      '0/tile/entries/999',
      '0/tile/..%2f0/000',
    ].slice(1),
  )('of a log resource that does not exist gets 404: /log/default/%s', async (path) => {
    const answer = await at('GET', `/log/default/${path}`);
    expect([answer.status, problemIn(answer)]).toEqual([404, 'NOT_FOUND']);
  });
});
