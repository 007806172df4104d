import { SignJWT, UnsecuredJWT } from 'jose';
import { inForceAlready, NO_ROOM_FOR_SUSPENSIONS } from '@bailiwick/contracts/revocations/room';
import { Pseudonyms } from '../auth/pseudonyms';
import { registry } from '../reporting/registry';
import { startGateway, type Gateway } from '../testing/gateway';
import { signingKey, type TestIssuer } from '../testing/issuer';
import { NOW, type Clock } from '../testing/tokens';
import {
  ADA,
  AUDIENCE,
  configOf,
  SECRET,
  SESSION_REVOKED,
  SET_HEADER,
  setClaims,
  startTransmitter,
  TestOwner,
} from '../testing/signals';

const CAEP = 'https://schemas.openid.net/secevent/caep/event-type';
const adaRef = (tenant: string): string =>
  new Pseudonyms(Buffer.alloc(32, 7)).ref(tenant, 'person', 'user:ada@example.com');

/** A person, by two names if the domain is `both.example`, and a device. */
const SUBJECTS = [
  { format: 'email', names: 'principal', prefix: 'user:' },
  { format: 'email', domains: ['both.example'], names: 'principal', prefix: 'guest:' },
  { of: ['device'], format: 'opaque', names: 'agentInstance' },
];

let idp: TestIssuer;
let other: TestIssuer;
let gateway: Gateway;
const clock: Clock = { now: NOW };
let owner: TestOwner;

beforeAll(async () => {
  [idp, other] = [await startTransmitter('k1'), await startTransmitter('k2')];
  const bus = { request: (...all: Parameters<TestOwner['bus']['request']>) => owner.bus.request(...all) };
  owner = new TestOwner();
  gateway = await startGateway({
    clock,
    bus: { ...owner.bus, ...bus },
    transmitters: [
      configOf(idp.url, { subjects: SUBJECTS, actions: { 'risk-level-change': 'revoke', 'account-purged': 'ignore' } }),
      configOf(other.url, { name: 'other', tenant: 'acme', audience: 'https://bailiwick.example/acme' }),
    ],
  });
}, 60_000);
afterAll(async () => {
  await gateway.close();
  await Promise.all([idp.stop(), other.stop()]);
});
beforeEach(() => {
  owner = new TestOwner();
  clock.now = NOW;
});

interface Sent {
  readonly name?: string;
  readonly secret?: string | undefined;
  readonly type?: string;
}
async function push(text: string, { name = 'idp', secret = SECRET, type = 'application/secevent+jwt' }: Sent = {}) {
  const response = await fetch(`http://127.0.0.1:${gateway.port}/v1/signals/${name}`, {
    method: 'POST',
    headers: { 'content-type': type, ...(secret === '' ? {} : { authorization: `Bearer ${secret}` }) },
    body: text,
  });
  const body = await response.text();
  const { err, code } = (body === '' ? {} : JSON.parse(body)) as { err?: string; code?: string };
  return [response.status, err ?? code ?? body];
}
const token = (changed: Record<string, unknown> = {}, header = {}): Promise<string> =>
  idp.sign(setClaims(idp.url, changed), { ...SET_HEADER, ...header });
const ACCEPTED = [202, ''];

describe('POST /v1/signals/{transmitter}', () => {
  it('suspends what belongs to the principal, and names the transmitter and the token in the command', async () => {
    expect(await push(await token())).toEqual(ACCEPTED);
    const [command, ...others] = owner.decided;
    expect(others).toEqual([]);
    expect(command).toMatchObject({
      type: 'revokeSelector',
      mode: 'suspend',
      log: 'default/0',
      selector: { principalRef: adaRef('default') },
      force: true,
      quarantine: false,
      actor: { kind: 'service', id: 'signals:idp', via: idp.url },
    });
    expect(JSON.stringify({ ...command, payload: undefined })).not.toMatch(/ada|set-1/i);
  });

  it('revokes where the configuration has it, by the strictest of several events', async () => {
    const risk = { [`${CAEP}/risk-level-change`]: { principal: 'USER', current_level: 'HIGH' } };
    const both = { events: { [SESSION_REVOKED]: {}, ...risk } };
    expect(await push(await token(both))).toEqual(ACCEPTED);
    expect(owner.decided[0]).not.toHaveProperty('mode');
  });

  it('does nothing for a token that is repeated, whichever gateway gets it and whatever is live since', async () => {
    const text = await token();
    for (const live of [1, 0, 3]) {
      owner.live = live;
      expect(await push(text)).toEqual(ACCEPTED);
    }
    expect(owner.decided.map(({ type }) => type)).toEqual(['revokeSelector']);
    owner = new TestOwner(); // it has forgotten the command; the revocation exists
    owner.refusals.push('CONFLICT');
    expect(await push(text)).toEqual(ACCEPTED);
    expect(owner.decided).toEqual([]);
  });

  it('refuses another token with the same jti, unless it is the same, signed again', async () => {
    await push(await token());
    expect(await push(await token({ iat: NOW / 1_000 - 5 }))).toEqual(ACCEPTED);
    const another = await token({ sub_id: { ...ADA, email: 'bob@example.com' } });
    expect(await push(another)).toEqual([400, 'invalid_request']);
  });

  it('does not acknowledge what was not committed', async () => {
    owner.refusals.push('LOG_IN_DOUBT');
    expect((await push(await token()))[0]).toBe(503);
    expect(await push(await token())).toEqual(ACCEPTED);
    expect(owner.decided).toHaveLength(1);
  });

  it('revokes if there is no room for another suspension', async () => {
    owner.refusals.push({ code: 'TOO_MANY', extra: NO_ROOM_FOR_SUSPENSIONS });
    expect(await push(await token())).toEqual(ACCEPTED);
    expect(owner.decided[0]).toMatchObject({ type: 'revokeSelector' });
    expect(owner.decided[0]).not.toHaveProperty('mode');
    expect(await registry.metrics()).toContain(
      'bailiwick_signals_total{transmitter="idp",outcome="revokedForRoom"} 1\n',
    );
  });

  it('has no effect under overload, and suspends when it is delivered again', async () => {
    owner.refusals.push('TOO_MANY');
    expect(await push(await token())).toEqual([429, 'TOO_MANY']);
    expect(owner.decided).toEqual([]);
    expect(await push(await token())).toEqual(ACCEPTED);
    expect(owner.decided).toMatchObject([{ type: 'revokeSelector', mode: 'suspend' }]);
  });

  it('stops the agents of a person whose device has an id that no instance has', async () => {
    const device = { format: 'opaque', id: '-7*' };
    expect(await push(await token({ sub_id: { format: 'complex', user: ADA, device } }))).toEqual(ACCEPTED);
    expect(owner.decided).toMatchObject([{ selector: { principalRef: adaRef('default') } }]);
  });

  it.each<[string, Record<string, unknown>]>([
    ['a reason that is one text', { events: { [SESSION_REVOKED]: { reason_admin: 'Policy Violation' } } }],
    ['a reason of null', { events: { [SESSION_REVOKED]: { reason_admin: null, initiating_entity: null } } }],
    ['a time that is a text', { events: { [SESSION_REVOKED]: { event_timestamp: '1700000000' } } }],
    ['a payload of null', { events: { [SESSION_REVOKED]: null } }],
    ['another event without a payload', { events: { [SESSION_REVOKED]: {}, 'https://x.example/y': null } }],
    ['an event without what it has to state', { events: { [`${CAEP}/credential-change`]: {} } }],
    ['a level of risk that is not known', { events: { [`${CAEP}/risk-level-change`]: { current_level: 'critical' } } }],
    ['another member of the subject', { sub_id: { ...ADA, more: 1 } }],
    ['a device of a format that is not known', { sub_id: { format: 'complex', user: ADA, device: { format: 'x' } } }],
    ['another member of a complex subject', { sub_id: { format: 'complex', user: ADA, network: { id: 1 } } }],
    ['an alias of a format that is not known', { sub_id: { format: 'aliases', identifiers: [{ format: 'x' }, ADA] } }],
    ['an alias that is no identifier', { sub_id: { format: 'aliases', identifiers: [null, 7, ADA] } }],
  ])('stops the agents of a person although the token has %s', async (_what, changed) => {
    expect(await push(await token(changed))).toEqual(ACCEPTED);
    expect(owner.decided).toMatchObject([{ type: 'revokeSelector', selector: { principalRef: adaRef('default') } }]);
  });

  it('stops although the owner has no time to look for what is live', async () => {
    owner.busy = true;
    owner.live = 0;
    expect(await push(await token())).toEqual(ACCEPTED);
    expect(owner.decided).toMatchObject([{ type: 'revokeSelector' }]);
  });

  it('records that nothing is live if a quarantine in force stops all of it', async () => {
    owner.refusals.push({ code: 'CONFLICT', extra: inForceAlready({ revocationId: 'rev_1' }) });
    const text = await token();
    for (let i = 0; i < 2; i++) expect(await push(text)).toEqual(ACCEPTED);
    expect(owner.decided.map(({ type }) => type).slice(0, 1)).toEqual(['recordSignal']);
    expect(owner.decided[0]).toMatchObject({ outcome: 'nothingLive' });
  });

  it('stops by several commands, each once, if the aliases exceed one selector', async () => {
    const identifiers = Array.from({ length: 16 }, (_, i) => ({ ...ADA, email: `ada${i}@both.example` }));
    const text = await token({ sub_id: { format: 'aliases', identifiers } });
    owner.refusals.push('BAD_REQUEST'); // whatever becomes of the first one
    expect(await push(text)).toEqual([400, 'invalid_request']);
    expect(owner.decided).toMatchObject([
      { type: 'revokeSelector', mode: 'suspend' },
      { type: 'recordSignal', outcome: 'refused' },
    ]);
    for (let i = 0; i < 2; i++) expect(await push(text)).toEqual(ACCEPTED);
    expect(owner.decided.map(({ type }) => type)).toEqual(['revokeSelector', 'recordSignal', 'revokeSelector']);
    const [one, , other] = owner.decided as { selector?: { any: unknown[] }; revocationId?: string }[];
    expect(new Set([...one!.selector!.any, ...other!.selector!.any].map((each) => JSON.stringify(each))).size).toBe(32);
    expect(one!.revocationId).not.toBe(other!.revocationId);
  });

  it.each(['PATTERN_INVALID', 'TOO_LARGE'])('refuses for good and records what the log refuses: %s', async (code) => {
    owner.refusals.push(code);
    expect(await push(await token())).toEqual([400, 'invalid_request']);
    expect(owner.decided).toMatchObject([{ type: 'recordSignal', transmitter: 'idp', outcome: 'refused' }]);
  });

  it('refuses for good, too, if there is no log in which to record it', async () => {
    owner.refusals.push('NOT_FOUND', 'NOT_FOUND');
    expect(await push(await token())).toEqual([400, 'invalid_request']);
  });

  it('does not refuse for good what it could not record', async () => {
    owner.refusals.push('BAD_REQUEST', 'LOG_IN_DOUBT');
    expect((await push(await token()))[0]).toBe(503);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['a type that is not known', { events: { 'https://example.com/unheard-of': {} } }, 'ignored'],
    ['a type that the configuration ignores', { events: { [event('risc', 'account-purged')]: {} } }, 'ignored'],
    ['a credential that is added', { events: { [`${CAEP}/credential-change`]: change('create') } }, 'ignored'],
    ['a subject that is not mapped', { sub_id: { format: 'opaque', id: 'x' } }, 'unknownSubject'],
  ])('acknowledges and records %s', async (_what, changed, outcome) => {
    expect(await push(await token(changed))).toEqual(ACCEPTED);
    expect(owner.decided).toMatchObject([{ type: 'recordSignal', transmitter: 'idp', outcome }]);
  });

  it('acknowledges and records a principal of whom nothing is live', async () => {
    owner.live = 0;
    expect(await push(await token())).toEqual(ACCEPTED);
    expect(owner.decided).toMatchObject([{ type: 'recordSignal', outcome: 'nothingLive' }]);
  });

  it('acknowledges the verification of the stream', async () => {
    const events = { 'https://schemas.openid.net/secevent/ssf/event-type/verification': { state: 'x' } };
    expect(await push(await token({ events, sub_id: { format: 'opaque', id: 'stream' } }))).toEqual(ACCEPTED);
    expect(owner.decided).toEqual([]);
  });
});

describe('POST /v1/signals/{transmitter}, attacked', () => {
  afterEach(() => expect(owner.decided).toEqual([]));
  const signed = async (changed: Record<string, unknown>, header = {}) => push(await token(changed, header));

  it('refuses who does not know the secret, and other names alike', async () => {
    for (const sent of [{ secret: '' }, { secret: 'another-secret' }, { name: 'unknown' }])
      expect(await push(await token(), sent)).toEqual([400, 'authentication_failed']);
  });

  it('refuses a token that is not signed, or by a key that is not of the transmitter', async () => {
    const claims = setClaims(idp.url);
    const none = new UnsecuredJWT(claims).encode();
    const [, body] = none.split('.');
    const header = Buffer.from(JSON.stringify({ alg: 'none', ...SET_HEADER })).toString('base64url');
    expect(await push(`${header}.${body}.`)).toEqual([400, 'invalid_key']);
    const shared = new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'k1', ...SET_HEADER });
    expect(await push(await shared.sign(Buffer.alloc(32, 1)))).toEqual([400, 'invalid_key']);
    expect(await push(await idp.sign(claims, SET_HEADER, signingKey('k1')))).toEqual([400, 'invalid_key']);
    // it may be a new one: the keys were fetched before the token came, and are not fetched again so soon
    expect(await push(await idp.sign(claims, SET_HEADER, signingKey('another')))).toEqual([503, 'NOT_READY']);
    const valid = await token();
    expect(await push(`${valid.slice(0, -4)}AAAA`)).toEqual([400, 'invalid_key']);
  });

  it('refuses the tokens of another transmitter, of another tenant too', async () => {
    const text = await other.sign(setClaims(other.url, { aud: 'https://bailiwick.example/acme' }), SET_HEADER);
    expect(await push(text)).toEqual([400, 'invalid_issuer']);
    expect(await push(await token(), { name: 'other' })).toEqual([400, 'invalid_issuer']);
    const forged = await idp.sign(setClaims(other.url, { aud: 'https://bailiwick.example/acme' }), SET_HEADER);
    expect(await push(forged, { name: 'other' })).toEqual([400, 'invalid_key']);
  });

  it.each<[string, Record<string, unknown>, string]>([
    ['for another audience', { aud: 'https://elsewhere.example' }, 'invalid_audience'],
    ['for no audience', { aud: undefined }, 'invalid_audience'],
    ['of the future', { iat: NOW / 1_000 + 31 }, 'invalid_request'],
    ['that is too old', { iat: NOW / 1_000 - 8 * 86_400 }, 'invalid_request'],
    ['without iat', { iat: undefined }, 'invalid_request'],
    ['without jti', { jti: undefined }, 'invalid_request'],
    ['with exp', { exp: NOW / 1_000 + 60 }, 'invalid_request'],
    ['with sub', { sub: 'ada' }, 'invalid_request'],
    ['without a subject', { sub_id: undefined }, 'invalid_request'],
    ['without events', { events: {} }, 'invalid_request'],
    ['with an unpaired surrogate', { more: '\ud800' }, 'invalid_request'],
    ['that is nested deeply', { more: JSON.parse('['.repeat(400) + ']'.repeat(400)) as object }, 'invalid_request'],
  ])('refuses a token %s', async (_what, changed, err) => expect(await signed(changed)).toEqual([400, err]));

  it('refuses tokens of other purposes, and other content types', async () => {
    for (const typ of ['at+jwt', 'JWT', undefined]) expect(await signed({}, { typ })).toEqual([400, 'invalid_request']);
    expect(await push(await token(), { type: 'application/json' })).toEqual([400, 'invalid_request']);
    expect(await push('not a token')).toEqual([400, 'invalid_request']);
  });

  it('refuses what is larger than a token may be', async () => {
    expect(await signed({ padding: 'x'.repeat(40_000) })).toEqual([413, 'TOO_LARGE']);
  });

  it('accepts the audience among several, so that the refusals above are not of everything', async () => {
    expect(await signed({ aud: ['https://elsewhere.example', AUDIENCE] })).toEqual(ACCEPTED);
    owner.decided.length = 0;
  });
});

function event(family: string, name: string): string {
  return `https://schemas.openid.net/secevent/${family}/event-type/${name}`;
}
function change(type: string): object {
  return { credential_type: 'fido2-roaming', change_type: type };
}
