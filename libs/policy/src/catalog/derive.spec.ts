import fc from 'fast-check';
import { normalizeResourceId } from '@bailiwick/authority/matching/pattern';
import { attribute } from '@bailiwick/contracts/actions/action';
import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import { costs } from '@bailiwick/contracts/primitives';
import { LIMITS } from '@bailiwick/core/limits';
import { derive } from './derive';
import { readTemplate } from './id-template';
import { valueAt } from './pointer';

fc.configureGlobal({ seed: 20260302 });

const entry = (more: Partial<CatalogEntry>): CatalogEntry => ({
  match: ['a.b'],
  effects: ['read'],
  risk: 'low',
  ...more,
});
const withId = (id: string): CatalogEntry => entry({ resource: { type: 'thing', id } });
function idOf(id: string, args: unknown): string {
  const derived = derive(withId(id), args);
  return derived.ok ? (derived.value.resource?.id ?? '') : `fault: ${derived.error}`;
}

describe('a JSON pointer', () => {
  const document = JSON.parse('{"a":{"b/c":[10,{"~":1}]},"":2,"__proto__":{"x":3},"0":4}') as unknown;
  it.each<[string, unknown]>([
    ['/a/b~1c/0', 10],
    ['/a/b~1c/1/~0', 1],
    ['/', 2],
    ['/0', 4],
    ['/__proto__/x', 3],
    ['/a/b~1c/00', undefined],
    ['/a/b~1c/-', undefined],
    ['/a/b~1c/2', undefined],
    ['/a/b~1c/length', undefined],
    ['/constructor', undefined],
    ['/a/toString', undefined],
    ['/a/b~1c/0/x', undefined],
  ])('%s names %j (RFC 6901)', (pointer, value) => {
    expect(valueAt(document, pointer)).toEqual(value);
  });
});

describe('a template of an id', () => {
  it.each([
    ['mailto:{/to}', { to: 'ann@example.com' }, 'mailto:ann@example.com'],
    ['{/path}', { path: 'src/a.ts' }, 'src/a.ts'],
    ['{/owner}/{/repo}/issues/{/n}', { owner: 'acme', repo: 'app', n: 7 }, 'acme/app/issues/7'],
    ['{+/repo}/{/path}', { repo: 'acme/app', path: 'src/a' }, 'acme/app/src/a'],
    ['fixed', {}, 'fixed'],
    ['{/a~1b/0}', { 'a/b': ['x'] }, 'x'],
  ])('%s of %j is %s', (template, args, id) => {
    expect(idOf(template, args)).toBe(id);
  });

  it.each<[string, unknown, string]>([
    ['mailto:{/to}', {}, 'is missing'],
    ['mailto:{/to}', undefined, 'is missing'],
    ['mailto:{/to}', { to: null }, 'is null'],
    ['mailto:{/to}', { to: ['a@example.com'] }, 'is a list'],
    ['mailto:{/to}', { to: { name: 'a' } }, 'is an object'],
    ['mailto:{/to}', { to: true }, 'is true'],
    ['mailto:{/to}', { to: 1.5 }, 'is 1.5'],
    ['mailto:{/to}', { to: 2 ** 53 }, 'is 9007199254740992'],
    ['mailto:{/to}', { to: '' }, 'is empty'],
    ['mailto:{/to}', JSON.parse('{"__proto__":{"to":"a"}}'), 'is missing'],
    ['{/owner}/{/repo}', { owner: 'acme/other', repo: 'x' }, 'has a slash'],
    ['{/owner}/{/repo}', { owner: 'acme%2Fother', repo: 'x' }, 'has a slash'],
    ['{/owner}/{/repo}', { owner: 'acme\\other', repo: 'x' }, 'has a slash'],
    ['{/path}', { path: 'x'.repeat(LIMITS.resourceIdLength + 1) }, 'longer than'],
  ])('%s of %j is a fault: %s', (template, args, why) => {
    expect(idOf(template, args)).toMatch(new RegExp(`^fault: .*${why}`));
  });

  it.each([
    ['a{/x', 'a brace without its counterpart'],
    ['a/x}', 'a brace without its counterpart'],
    ['{x}', 'must be a JSON pointer'],
    ['{}', 'must be a JSON pointer'],
    ['{/a~2}', 'must be a JSON pointer'],
    ['{/a}{/b}', 'run together'],
    ['{/a}-{/b}', 'run together'],
  ])('%s is refused: it has %s', (template, why) => {
    const read = readTemplate(template);
    expect(read.ok ? '' : read.error).toContain(why);
  });

  it('gives different ids for different arguments, unless they are the same names', () => {
    const piece = fc.constantFrom('a', '/in/', '/', 'b');
    const name = fc.array(piece, { minLength: 1, maxLength: 2 }).map((pieces) => pieces.join(''));
    const args = fc.record({ x: name, y: name });
    let compared = 0;
    fc.assert(
      fc.property(args, args, (one, other) => {
        const [a, b] = [idOf('{/x}/in/{/y}', one), idOf('{/x}/in/{/y}', other)];
        if (a.startsWith('fault') || a !== b) return;
        compared += 1;
        expect(one).toEqual(other);
      }),
      { numRuns: 20_000 },
    );
    expect(compared).toBeGreaterThan(20);
  });
});

describe('what an entry takes from arguments', () => {
  const full = entry({
    resource: { type: 'mailbox', id: 'mailto:{/to}' },
    attributes: { to: '/to', cc: '/cc', urgent: '/options/urgent' },
    cost: { USD: '/cents', EUR: { major: '/euros' }, JPY: 5 },
    units: { pages: '/pages' },
  });

  it('is the resource, its attributes, the cost and the units', () => {
    const args = {
      to: 'ann@example.com',
      cc: ['bob@example.com'],
      options: { urgent: true },
      cents: 250,
      euros: 12.5,
      pages: 3,
    };
    expect(derive(full, args)).toEqual({
      ok: true,
      value: {
        resource: { type: 'mailbox', id: 'mailto:ann@example.com' },
        attributes: { to: 'ann@example.com', cc: ['bob@example.com'], urgent: true },
        cost: { USD: 250, EUR: 1250, JPY: 5 },
        units: { pages: 3 },
      },
    });
  });

  it('is every address in the arguments, or that there is none', () => {
    const all = entry({ attributes: { reached: { addresses: 'all' } } });
    const derived = (args: unknown) => derive(all, args);
    expect(derived({ body: 'to eve@example.com', n: 1 })).toEqual({
      ok: true,
      value: { attributes: { reached: ['eve@example.com'] } },
    });
    // arguments that a caller leaves out may have any: no condition holds
    expect(derived(undefined)).toEqual({ ok: true, value: { attributes: {} } });
    expect(derived({})).toEqual({ ok: true, value: { attributes: { reached: ['none'] } } });
  });

  it('is not stated to be no address if the body of a request was not read', () => {
    const all = entry({ attributes: { reached: { addresses: 'all' } } });
    const reached = (args: unknown) => {
      const derived = derive(all, args);
      return derived.ok && derived.value.attributes.reached;
    };
    const multipart = { method: 'POST', target: '/a', headers: { 'content-type': 'multipart/form-data; boundary=x' } };
    expect(reached({ ...multipart, bodyDigest: 'sha256:00', unread: null })).toBeUndefined();
    expect(reached({ ...multipart, bodyDigest: 'sha256:00' })).toBeUndefined();
    expect(reached({ bodyDigest: 'sha256:00', unread: 'see www.evil.example' })).toEqual(['www.evil.example']);
    expect(reached({ bodyDigest: 'sha256:00', body: { a: 1 } })).toEqual(['none']);
    expect(reached({ method: 'POST', target: '/a' })).toEqual(['none']);
  });

  it('has no attribute whose argument is missing', () => {
    expect(derive(entry({ attributes: { cc: '/cc' } }), {})).toEqual({ ok: true, value: { attributes: {} } });
  });

  it.each<[string, Partial<CatalogEntry>, unknown]>([
    ['an attribute that is null', { attributes: { a: '/a' } }, { a: null }],
    ['an attribute that is an object', { attributes: { a: '/a' } }, { a: { b: 1 } }],
    ['an attribute with a list in a list', { attributes: { a: '/a' } }, { a: [[1]] }],
    [
      'an attribute of too many values',
      { attributes: { a: '/a' } },
      { a: Array(LIMITS.valuesPerAttribute + 1).fill(1) },
    ],
    ['an attribute that is too long', { attributes: { a: '/a' } }, { a: 'x'.repeat(LIMITS.nameLength + 1) }],
    ['a cost that is missing', { cost: { USD: '/a' } }, {}],
    ['a cost below 0', { cost: { USD: '/a' } }, { a: -1 }],
    ['a cost with a fraction of a minor unit', { cost: { USD: '/a' } }, { a: 1.5 }],
    ['a cost that is a text', { cost: { USD: '/a' } }, { a: '100' }],
    ['a cost in a list', { cost: { USD: '/a' } }, { a: [100] }],
    ['an amount with too many decimals', { cost: { JPY: { major: '/a' } } }, { a: 1.5 }],
    ['an amount below 0', { cost: { USD: { major: '/a' } } }, { a: -5 }],
    ['an amount in powers of ten', { cost: { USD: { major: '/a' } } }, { a: '1e3' }],
    ['an amount beyond the maximum', { cost: { USD: { major: '/a' } } }, { a: '9999999999999999' }],
    ['units that are missing', { units: { pages: '/a' } }, {}],
  ])('is a fault for %s', (_, more, args) => {
    expect(derive(entry(more), args).ok).toBe(false);
  });

  const HOSTILE = fc.oneof(
    fc.anything({ withBigInt: true, withNullPrototype: true, withDate: true, withObjectString: true, maxDepth: 3 }),
    fc.json().map((text) => JSON.parse(text) as unknown),
    fc.constantFrom<unknown>(
      JSON.parse('{"to":"a","__proto__":{"cents":1}}'),
      { to: '\u202ex', cc: ['\ud800'], cents: 1e400, euros: '٣', pages: NaN },
      { to: '../../etc/passwd', cents: 2 ** 60, euros: Number.MAX_VALUE, pages: -0 },
      { to: 'x'.repeat(1_000_000) },
      JSON.parse(`${'{"to":'.repeat(200)}1${'}'.repeat(200)}`),
    ),
    fc.dictionary(
      fc.constantFrom('to', 'cc', 'options', 'cents', 'euros', 'pages', 'constructor'),
      fc.oneof(fc.string(), fc.double(), fc.jsonValue(), fc.integer()),
    ),
  );
  const parts: Partial<CatalogEntry>[] = [
    { resource: full.resource },
    { attributes: full.attributes },
    { cost: full.cost },
    { units: full.units },
    full,
  ];

  it('is well-formed or a fault for any arguments, and never throws', () => {
    let derivedSome = 0;
    fc.assert(
      fc.property(HOSTILE, fc.constantFrom(...parts), (args, part) => {
        const derived = derive(entry(part), args);
        if (!derived.ok) return expect(derived.error).not.toBe('');
        derivedSome += 1;
        for (const value of Object.values(derived.value.attributes))
          expect(attribute.safeParse(value).success).toBe(true);
        if (derived.value.cost) expect(costs.safeParse(derived.value.cost).success).toBe(true);
        if (derived.value.resource)
          expect(() => normalizeResourceId(derived.value.resource?.id as string)).not.toThrow();
        expect(Object.getPrototypeOf(derived.value.attributes)).toBe(Object.prototype);
      }),
      { numRuns: 3_000 },
    );
    expect(derivedSome).toBeGreaterThan(100);
  });
});
