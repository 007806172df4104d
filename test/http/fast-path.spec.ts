import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { CODES } from '@bailiwick/contracts/error-codes';
import { LIMITS } from '@bailiwick/core/limits';
import { ROLES, type Role } from '../../apps/gateway/src/auth/api-keys';
import { FastPath } from '../../apps/gateway/src/fast-path/fast-path';
import type { Endpoint } from '../../apps/gateway/src/http/endpoints/endpoint';
import { busThat, type BusReply } from '../../apps/gateway/src/testing/bus';
import { declaredEndpoints } from '../../apps/gateway/src/testing/endpoints';
import { keyOf, startGateway, type Gateway } from '../../apps/gateway/src/testing/gateway';
import { Refused } from '../../apps/gateway/src/http/problems/problem';
import { PolicyChecks } from '../../apps/gateway/src/policies/policy-checks';
import { samples, STREAM } from './bodies';
import type { Opened } from './world';

/*
 * The fast path and the framework answer the same requests with the same bytes. Both gateways have the same services
 * behind them; one has its fast path turned off.
 */

interface Sent {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body?: string | Buffer;
}
interface Received {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

const id = (kind: string): string => `${kind}_0_${'0'.repeat(25)}3`;
const known = samples(
  { runId: id('run'), grantId: id('grt'), treeId: id('tre') } as unknown as Opened,
  id('act'),
  id('apr'),
);
const ENDPOINTS = declaredEndpoints();
/** a new stream has a random id */
const STREAMS = '/v1/ssf/streams';

/** What the services behind both gateways answer; changed between requests. */
let outcome: { code?: string; fails?: 'TOO_LARGE' } = {};
function answer(_subject: string, payload: { commands?: unknown[] }): BusReply {
  if (outcome.fails) return { fails: outcome.fails };
  const one = outcome.code
    ? { ok: false, refusal: { code: outcome.code, detail: 'the reason' } }
    : { ok: true, value: { decision: 'deny', reasons: [], remaining: {}, items: [], next: null } };
  return { value: payload.commands ? { answers: payload.commands.map(() => one) } : one };
}

/** The URL of an endpoint, with an id of the right kind for each parameter. */
function urlOf({ path }: Endpoint): string {
  const kind = [/runs/, /actions/, /approvals/, /trees/, /quarantines|revocations/].findIndex((each) =>
    each.test(path),
  );
  const own = path.startsWith('/v1/keys/')
    ? `key_${'0'.repeat(26)}`
    : path.startsWith('/v1/ssf/')
      ? STREAM
      : id(['run', 'act', 'apr', 'tre', 'rev'][kind] ?? 'grt');
  return path
    .replaceAll('::', '\0')
    .replace(':tenant/:n', 'default/0')
    .replace(':position', '1')
    .replace(':name', 'x')
    .replace('*', '0/000')
    .replace(/:\w+/g, own)
    .replaceAll('\0', ':');
}

/** A valid body of the endpoint, if it has an example. */
function bodyOf(endpoint: Endpoint): string {
  const pattern = new RegExp(`^${urlOf(endpoint).replaceAll(/_0_\w+/g, '[^/]+')}$`);
  return JSON.stringify(known.find(({ path }) => pattern.test(path))?.body ?? {});
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** Requests to one endpoint: each role, each way to get the head wrong, each way to get the body wrong. */
function requestsTo(endpoint: Endpoint): [name: string, sent: Sent][] {
  const { method } = endpoint;
  const url = urlOf(endpoint);
  const role: Role = endpoint.roles === 'public' ? 'analyst' : (endpoint.roles[0] as Role);
  const body = bodyOf(endpoint);
  const withBody = method === 'POST';
  const head = { authorization: `Bearer ${keyOf(role)}`, ...(withBody ? JSON_TYPE : {}) };
  const base: Sent = { method, url, headers: head, ...(withBody ? { body } : {}) };
  const withHead = (headers: Record<string, string>): Sent => ({ ...base, headers: { ...head, ...headers } });
  const { authorization: _, ...anonymous } = head;
  const all: [string, Sent][] = [
    ['a valid request', base],
    ['an x-request-id', withHead({ 'x-request-id': 'r-1' })],
    ['no key', { ...base, headers: anonymous }],
    ['an unknown key', withHead({ authorization: 'Bearer bwk_unknown_key_0123456789' })],
    ['a malformed token', withHead({ authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' })],
    ['a DPoP scheme', withHead({ authorization: 'DPoP eyJhbGciOiJub25lIn0.e30.' })],
    ['an unknown query parameter', { ...base, url: `${url}?unknown=1` }],
    ['an empty query', { ...base, url: `${url}?` }],
    ['an idempotency key', withHead({ 'idempotency-key': 'once' })],
    [
      'an idempotency key that is too long',
      withHead({ 'idempotency-key': 'k'.repeat(LIMITS.idempotencyKeyLength + 1) }),
    ],
    ...ROLES.map((each): [string, Sent] => [`the role ${each}`, withHead({ authorization: `Bearer ${keyOf(each)}` })]),
  ];
  if (url.includes('_0_')) all.push(['a malformed id', { ...base, url: url.replace(/_0_0+3/, '_0_x') }]);
  if (!withBody) return all;
  const withText = (text: string | Buffer): Sent => ({ ...base, body: text });
  return [
    ...all,
    ['an empty object', withText('{}')],
    ['an array', withText('[]')],
    ['null', withText('null')],
    ['an unknown member', withText('{"unknown":1}')],
    ['truncated JSON', withText(body.slice(0, -1))],
    ['a duplicate member', withText('{"a":1,"a":2}')],
    ['a hidden member', withText('{"__proto__":{}}')],
    ['invalid UTF-8', withText(Buffer.from([0x7b, 0xff, 0x7d]))],
    ['half a character', withText('{"a":"\\ud800"}')],
    ['too many values', withText(`[${'0,'.repeat(LIMITS.httpBodyValues)}0]`)],
    ['deep nesting', withText('['.repeat(2_000) + ']'.repeat(2_000))],
    ['an empty body', withText('')],
    ['another content type', withHead({ 'content-type': 'text/plain' })],
    ['a charset', withHead({ 'content-type': 'application/json; charset=utf-8' })],
    ['a body over the limit', withText(' '.repeat(LIMITS.httpBodyBytes + 1))],
  ];
}

function send(port: number, { method, url, headers, body }: Sent): Promise<Received> {
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  return new Promise((resolve, reject) => {
    const request = httpRequest(
      { port, host: '127.0.0.1', method, path: url, headers: { ...headers, ...length }, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const { date: _, ...rest } = response.headers;
          resolve({ status: response.statusCode, headers: rest, text: Buffer.concat(chunks).toString() });
        });
        response.on('error', reject);
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

describe('the fast path', () => {
  let fast: Gateway;
  let slow: Gateway;
  beforeAll(async () => {
    // the thread that checks bundles runs compiled code; this test runs from the sources
    const checked = { canonical: '{}', digest: `sha256:${'0'.repeat(64)}`, people: [] };
    jest.spyOn(PolicyChecks.prototype, 'check').mockResolvedValue(checked);
    jest.spyOn(PolicyChecks.prototype, 'report').mockResolvedValue({ ok: true, problems: [] });
    jest.spyOn(PolicyChecks.prototype, 'compare').mockRejectedValue(new Refused('POLICY_INVALID', 'a problem'));
    const { bus } = busThat(answer);
    [fast, slow] = await Promise.all([startGateway({ bus, fastPath: true }), startGateway({ bus, fastPath: false })]);
  });
  beforeEach(() => {
    outcome = {};
  });
  afterAll(() => Promise.all([fast.close(), slow.close()]));

  const both = async (sent: Sent): Promise<[Received, Received]> => [
    await send(fast.port, sent),
    await send(slow.port, sent),
  ];
  // they differ by their content, or never end
  const endpoints = ENDPOINTS.filter(
    ({ method, path }) =>
      !['/metrics', '/v1/events/stream', '/v1/export'].includes(path) && !(method === 'POST' && path === STREAMS),
  );

  it.each(endpoints.map((each): [string, Endpoint] => [`${each.method} ${each.path}`, each]))(
    'answers every request to %s with the bytes of the framework',
    async (_name, endpoint) => {
      for (const [name, sent] of requestsTo(endpoint)) {
        const [one, other] = await both(sent);
        expect([name, one]).toEqual([name, other]);
      }
    },
  );

  it.each(
    endpoints
      .filter(({ roles }) => roles !== 'public')
      .map((each): [string, Endpoint] => [`${each.method} ${each.path}`, each]),
  )('answers every refusal of the services to %s with the bytes of the framework', async (_name, endpoint) => {
    const [[, valid]] = requestsTo(endpoint) as [[string, Sent]];
    for (const code of [...Object.keys(CODES), 'NOT_A_CODE']) {
      outcome = { code };
      const [one, other] = await both(valid);
      expect([code, one]).toEqual([code, other]);
    }
    outcome = { fails: 'TOO_LARGE' };
    const [one, other] = await both(valid);
    expect(one).toEqual(other);
  });

  /** A request that succeeds has a secret of this installation in its body, or is about a stream that exists. */
  const NEEDS_MORE = ['/v1/session', '/v1/session-links'];
  it('is taken by every valid POST of JSON, and never if it is turned off', async () => {
    const ways = [fast, slow].map((each) => jest.spyOn(each.app.get(FastPath), 'answer'));
    const plain = ENDPOINTS.filter(
      ({ method, path, body, streams }) => method === 'POST' && body && !streams && !path.includes('/:name'), // an id
    );
    expect(plain.length).toBeGreaterThan(20);
    for (const endpoint of plain) {
      const [[, valid]] = requestsTo(endpoint) as [[string, Sent]];
      const [{ status }] = await both(valid);
      if (valid.body !== '{}' && !NEEDS_MORE.includes(endpoint.path) && !endpoint.path.startsWith('/v1/ssf/'))
        expect([endpoint.path, Math.floor(Number(status) / 100)]).toEqual([endpoint.path, 2]);
      expect([endpoint.path, ...ways.map((way) => way.mock.calls.length)]).toEqual([endpoint.path, 1, 0]);
      for (const way of ways) way.mockClear();
    }
  });
});
