import { namedBy, subjectId, subjectMapping, type SubjectMapping } from './signal-subjects';
import { checkedTransmitters } from './transmitter-config';
import { configOf } from '../testing/signals';

const IDP = 'https://idp.example.com';
const mappings = (...all: object[]): SubjectMapping[] => all.map((each) => subjectMapping.parse(each));
const named = (subject: object, ...all: object[]) => namedBy(subjectId.parse(subject), mappings(...all), IDP);

const BY_EMAIL = { format: 'email', domains: ['example.com'], names: 'principal', prefix: 'user:' };
const BY_SUB = { format: 'iss_sub', names: 'principal', prefix: 'user:' };
const DEVICE = { of: ['device'], format: 'opaque', names: 'agentInstance', prefix: 'dev-' };
const ada = { format: 'email', email: 'ada@example.com' };
const device = { format: 'opaque', id: '7' };

describe('namedBy', () => {
  it('maps a simple subject, and the user of a complex one', () => {
    expect(named(ada, BY_EMAIL)).toEqual([[{ principal: 'user:ada@example.com' }]]);
    expect(named({ format: 'complex', user: ada }, BY_EMAIL)).toEqual([[{ principal: 'user:ada@example.com' }]]);
    expect(named({ format: 'account', uri: 'acct:ada@x' }, { ...BY_SUB, format: 'account' })).toEqual([
      [{ principal: 'user:ada@x' }],
    ]);
  });

  it('maps each member of a complex subject', () => {
    const subject = { format: 'complex', user: ada, device, tenant: { format: 'opaque', id: 't' } };
    const user = [{ principal: 'user:ada@example.com' }];
    expect(named(subject, BY_EMAIL, DEVICE)).toEqual([user, [{ agentInstance: 'dev-7' }], []]);
    expect(named(subject, BY_EMAIL)).toEqual([user, [], []]);
  });

  it('maps each of the aliases', () => {
    const ids = [ada, { format: 'iss_sub', iss: IDP, sub: '42' }, { format: 'did', url: 'did:x:1' }];
    expect(named({ format: 'aliases', identifiers: ids }, BY_EMAIL, BY_SUB)).toEqual([
      [{ principal: 'user:ada@example.com' }, { principal: 'user:42' }],
    ]);
  });

  it.each<[string, object, object]>([
    ['an address of another domain', { format: 'email', email: 'ada@evil.example' }, BY_EMAIL],
    ['an address with two @', { format: 'email', email: 'x@evil.example@example.com' }, BY_EMAIL],
    ['a subject of another issuer', { format: 'iss_sub', iss: 'https://other.example', sub: '42' }, BY_SUB],
    ['a simple subject where the mapping is of a device', device, DEVICE],
    ['a user where the mapping is of a device', { format: 'complex', user: device }, DEVICE],
    ['what is no name', { format: 'opaque', id: ' a\nb ' }, { format: 'opaque', names: 'principal' }],
    ['a complex subject without members', { format: 'complex' }, BY_EMAIL],
  ])('maps to no one: %s', (_what, subject, mapping) => expect(named(subject, mapping).flat()).toEqual([]));

  it.each<[string, object]>([
    ['an unknown format', { format: 'x', email: 'ada@example.com' }],
    ['aliases in aliases', { format: 'aliases', identifiers: [{ format: 'aliases', identifiers: [ada] }] }],
    ['a complex subject in a complex one', { format: 'complex', user: { format: 'complex', user: ada } }],
    ['an unknown member of a complex one', { format: 'complex', robot: ada }],
    ['an identifier without what it identifies by', { format: 'email', mail: 'ada@example.com' }],
  ])('maps to no one what is malformed: %s', (_what, subject) => expect(named(subject, BY_EMAIL).flat()).toEqual([]));

  it('maps an identifier whatever other members it has', () => {
    expect(named({ ...ada, iss: IDP }, BY_EMAIL)).toEqual([[{ principal: 'user:ada@example.com' }]]);
  });

  it.each<[string, object]>([
    ['no format', ada.email as never],
    ['17 aliases', { format: 'aliases', identifiers: Array(17).fill(ada) }],
    ['a user of 17 aliases', { format: 'complex', user: { format: 'aliases', identifiers: Array(17).fill(ada) } }],
  ])('refuses %s', (_what, subject) => expect(subjectId.safeParse(subject).success).toBe(false));
});

describe('checkedTransmitters', () => {
  const problem = (...transmitters: object[]): string => {
    try {
      checkedTransmitters({ transmitters }, 'https://bailiwick.example');
      return 'none';
    } catch (error) {
      return (error as Error).message;
    }
  };
  const one = configOf(IDP);

  it('accepts what the tests of the endpoint use, with suspension as the default of each event', () => {
    const [config] = checkedTransmitters({ transmitters: [one] }, 'https://bailiwick.example');
    expect(new Set(Object.values(config!.actions))).toEqual(new Set(['suspend']));
  });

  it.each<[string, Record<string, unknown>]>([
    ['plain http', { issuer: 'http://idp.example.com' }],
    ['an unknown member', { subjectz: [] }],
    ['an unknown event', { actions: { 'session-revokd': 'revoke' } }],
    ['a shared secret', { algorithms: ['HS256'] }],
    ['no signature', { algorithms: ['none'] }],
    ['no delivery', { push: undefined }],
    ['no subjects', { subjects: [] }],
    ['a secret in place of its digest', { push: { secretSha256: 'a-secret' } }],
    ['a poll without TLS', { poll: { endpoint: 'http://idp.example.com/poll', authorization: 'Bearer x' } }],
    ['domains of a format without them', { subjects: [{ ...BY_SUB, domains: ['x.example'] }] }],
    ['this installation', { issuer: 'https://bailiwick.example' }],
  ])('refuses %s', (_what, more) => expect(problem({ ...one, ...more })).toMatch(/^signals.json: /));

  it('refuses two of one name, and one issuer twice for a tenant', () => {
    expect(problem(one, { ...one, issuer: 'https://b.example' })).toMatch(/named idp/);
    expect(problem(one, { ...one, name: 'b' })).toMatch(/twice/);
    expect(problem(one, { ...one, name: 'b', tenant: 'acme' })).toBe('none');
  });
});
