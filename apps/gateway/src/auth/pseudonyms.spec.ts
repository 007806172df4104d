import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { ref as refSchema } from '@bailiwick/contracts/primitives';
import { payloadOf, Pseudonyms } from './pseudonyms';

fc.configureGlobal({ seed: 20260101 });

const KEY = Buffer.alloc(32, 7);
const names = new Pseudonyms(KEY);
const OWNER = 'user:owner@example.com';

const word = fc.string({ unit: 'binary', minLength: 1, maxLength: 60 });
const tenant = fc.constantFrom('default', 'acme', 'acme-2', 'a');
const kind = fc.constantFrom('person' as const, 'purpose' as const);

const normalized = (kind: string, text: string): string => {
  const plain = text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .trim();
  return kind === 'person' ? plain.toLowerCase() : plain;
};

describe('Pseudonyms.ref', () => {
  it('makes HMAC-SHA256 of tenant, kind and text, written as 130 bits of base32, least significant first', () => {
    // pinned, because rules must continue to match the refs in existing logs
    expect(names.ref('default', 'person', OWNER)).toBe('ref_059x6dznaep9q4m2ntxbr6pj97');
    expect(names.ref('default', 'purpose', OWNER)).toBe('ref_pm7hagmb5ymfahxq1s3vfzbr1k');
  });

  it('makes the same ref for the same text, also in another process', () => {
    fc.assert(
      fc.property(tenant, kind, word, (of, what, text) => {
        expect(new Pseudonyms(Buffer.from(KEY)).ref(of, what, text)).toBe(names.ref(of, what, text));
      }),
    );
  });

  it('makes different refs for different tenants, kinds, texts and keys', () => {
    const others = [
      names.ref('acme', 'person', OWNER),
      names.ref('default', 'purpose', OWNER),
      names.ref('default', 'person', 'user:owner@example.org'),
      names.ref('default', 'purpose', OWNER.toUpperCase()),
      new Pseudonyms(Buffer.alloc(32, 8)).ref('default', 'person', OWNER),
    ];
    expect(new Set([names.ref('default', 'person', OWNER), ...others]).size).toBe(6);
  });

  it('ignores letter case and invisible characters for a person, but not the case of a purpose', () => {
    for (const variant of [OWNER.toUpperCase(), ` ${OWNER}`, `${OWNER}\u200b`, OWNER.replace('u', 'ｕ')])
      expect([variant, names.ref('default', 'person', variant)]).toEqual([
        variant,
        names.ref('default', 'person', OWNER),
      ]);
    expect(names.ref('default', 'purpose', 'Tidy')).not.toBe(names.ref('default', 'purpose', 'tidy'));
  });

  it('makes different refs for different inputs, wherever tenant, kind and text are split', () => {
    fc.assert(
      fc.property(tenant, kind, word, tenant, kind, word, (t1, k1, w1, t2, k2, w2) => {
        const same = t1 === t2 && k1 === k2 && normalized(k1, w1) === normalized(k2, w2);
        expect(names.ref(t1, k1, w1) === names.ref(t2, k2, w2)).toBe(same);
      }),
    );
    expect(names.ref('a', 'person', 'b\npurpose\nc')).not.toBe(names.ref('a', 'purpose', 'c'));
  });

  it('normalizes composed characters, full-width letters and surrounding space', () => {
    const plain = names.ref('default', 'person', 'user:zoé');
    for (const spelling of ['user:zoe\u0301', ' user:zoé\n', '\uff55ser:zoé']) {
      expect(names.ref('default', 'person', spelling)).toBe(plain);
    }
  });

  it('makes refs that match the contract and do not contain the text', () => {
    fc.assert(
      fc.property(tenant, kind, word, (of, what, text) => {
        const ref = names.ref(of, what, text);
        expect(refSchema.safeParse(ref).success).toBe(true);
        const plain = text.toLowerCase().trim();
        if (plain.length > 3) expect(ref).not.toContain(plain);
      }),
    );
  });

  it('uses every letter in every position, so that no bit of the digest is lost', () => {
    const seen = Array.from({ length: 26 }, () => new Set<string>());
    for (let i = 0; i < 2_000; i++)
      [...names.ref('default', 'person', `user:${i}`).slice(4)].forEach((letter, at) => seen[at]?.add(letter));
    expect(seen.map((letters) => letters.size)).toEqual(Array(26).fill(32));
  });

  it('refuses a key of fewer than 32 bytes', () => {
    expect(() => new Pseudonyms(randomBytes(31))).toThrow('32 bytes');
    expect(() => new Pseudonyms(Buffer.alloc(0))).toThrow('32 bytes');
  });
});

describe('payloadOf', () => {
  it('makes a new salt of 16 bytes each time, so that equal texts have different digests', () => {
    const salts = Array.from({ length: 100 }, () => payloadOf({ purpose: 'x' }).salt);
    expect(new Set(salts).size).toBe(100);
    expect(salts.every((salt) => Buffer.from(salt, 'base64url').length === 16)).toBe(true);
  });

  it('omits undefined members', () => {
    expect(payloadOf({ task: 'x', purpose: undefined }).value).toEqual({ task: 'x' });
    expect(Object.keys(payloadOf({ purpose: undefined }).value)).toEqual([]);
  });
});
