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

const spelling = (kind: string, text: string): string => {
  const plain = text
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .trim();
  return kind === 'person' ? plain.toLowerCase() : plain;
};

describe('a person or a purpose is named by a ref', () => {
  it('is HMAC-SHA256 of tenant, kind and text, written as 130 bits of base32, least significant first', () => {
    // pinned: refs stand in logs that are there already, and rules must go on matching them
    expect(names.ref('default', 'person', OWNER)).toBe('ref_059x6dznaep9q4m2ntxbr6pj97');
    expect(names.ref('default', 'purpose', OWNER)).toBe('ref_pm7hagmb5ymfahxq1s3vfzbr1k');
  });

  it('is the same ref for the same text, in another process as well', () => {
    fc.assert(
      fc.property(tenant, kind, word, (of, what, text) => {
        expect(new Pseudonyms(Buffer.from(KEY)).ref(of, what, text)).toBe(names.ref(of, what, text));
      }),
    );
  });

  it('is another ref in another tenant, of another kind, for another text, and under another key', () => {
    const others = [
      names.ref('acme', 'person', OWNER),
      names.ref('default', 'purpose', OWNER),
      names.ref('default', 'person', 'user:owner@example.org'),
      names.ref('default', 'purpose', OWNER.toUpperCase()),
      new Pseudonyms(Buffer.alloc(32, 8)).ref('default', 'person', OWNER),
    ];
    expect(new Set([names.ref('default', 'person', OWNER), ...others]).size).toBe(6);
  });

  it('is the same one however a person is spelt, and another for another purpose', () => {
    for (const spelt of [OWNER.toUpperCase(), ` ${OWNER}`, `${OWNER}\u200b`, OWNER.replace('u', 'ｕ')])
      expect([spelt, names.ref('default', 'person', spelt)]).toEqual([spelt, names.ref('default', 'person', OWNER)]);
    expect(names.ref('default', 'purpose', 'Tidy')).not.toBe(names.ref('default', 'purpose', 'tidy'));
  });

  it('gives no two different inputs one ref, however the parts are cut', () => {
    fc.assert(
      fc.property(tenant, kind, word, tenant, kind, word, (t1, k1, w1, t2, k2, w2) => {
        const same = t1 === t2 && k1 === k2 && spelling(k1, w1) === spelling(k2, w2);
        expect(names.ref(t1, k1, w1) === names.ref(t2, k2, w2)).toBe(same);
      }),
    );
    expect(names.ref('a', 'person', 'b\npurpose\nc')).not.toBe(names.ref('a', 'purpose', 'c'));
  });

  it('takes two spellings of one text for one: composed or not, full-width, with space around', () => {
    const plain = names.ref('default', 'person', 'user:zoé');
    for (const spelling of ['user:zoe\u0301', ' user:zoé\n', '\uff55ser:zoé']) {
      expect(names.ref('default', 'person', spelling)).toBe(plain);
    }
  });

  it('is always of the form that the contract knows, and never holds the words', () => {
    fc.assert(
      fc.property(tenant, kind, word, (of, what, text) => {
        const ref = names.ref(of, what, text);
        expect(refSchema.safeParse(ref).success).toBe(true);
        const words = text.toLowerCase().trim();
        if (words.length > 3) expect(ref).not.toContain(words);
      }),
    );
  });

  it('uses every letter at every place: no bit of the digest is lost', () => {
    const seen = Array.from({ length: 26 }, () => new Set<string>());
    for (let i = 0; i < 2_000; i++)
      [...names.ref('default', 'person', `user:${i}`).slice(4)].forEach((letter, at) => seen[at]?.add(letter));
    expect(seen.map((letters) => letters.size)).toEqual(Array(26).fill(32));
  });

  it('is not made with a key that could be guessed', () => {
    expect(() => new Pseudonyms(randomBytes(31))).toThrow('32 bytes');
    expect(() => new Pseudonyms(Buffer.alloc(0))).toThrow('32 bytes');
  });
});

describe('the words themselves travel beside the event', () => {
  it('with a fresh salt of 16 bytes each time, so that equal words have unequal digests', () => {
    const salts = Array.from({ length: 100 }, () => payloadOf({ purpose: 'x' }).salt);
    expect(new Set(salts).size).toBe(100);
    expect(salts.every((salt) => Buffer.from(salt, 'base64url').length === 16)).toBe(true);
  });

  it('without the members that were not given', () => {
    expect(payloadOf({ task: 'x', purpose: undefined }).value).toEqual({ task: 'x' });
    expect(Object.keys(payloadOf({ purpose: undefined }).value)).toEqual([]);
  });
});
