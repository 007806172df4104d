import { LIMITS } from '@bailiwick/core/limits';
import { isSameAddress } from '../http/addresses';
import { NonceWanted, Proofs, type Proof, type ProofOptions } from './dpop-proofs';
import { Refused } from '../http/problems/problem';

const NOW = Date.parse('2026-03-01T12:00:00Z');

describe('Proofs of one process', () => {
  let now: number;
  let n: number;
  beforeEach(() => {
    now = NOW;
    n = 0;
  });
  const start = (options?: ProofOptions): Proofs => new Proofs(() => now, options);
  const proof = (more: Partial<Proof> = {}): Proof => ({
    tenant: 'one',
    thumbprint: 'key',
    jti: `j${n++}`,
    issuedAt: now,
    nonce: undefined,
    ...more,
  });
  const takes = (proofs: Proofs, each: Proof): string => {
    try {
      proofs.take(each);
      return 'taken';
    } catch (error) {
      if (error instanceof NonceWanted) return error.nonce;
      return (error as Refused).code;
    }
  };
  const flood = (proofs: Proofs, times: number, more: (i: number) => Partial<Proof>): string[] =>
    Array.from({ length: times }, (_, i) => takes(proofs, proof(more(i))));

  it('accepts no proof that an earlier process may have accepted at any time of its validity', () => {
    const since = NOW + 500; // the earlier process accepted proofs until here
    for (let ahead = -59_000; ahead < 60_000; ahead += 1_000) {
      now = NOW;
      const captured = proof({ issuedAt: NOW + ahead });
      const before = takes(start({ since: NOW - 600_000 }), captured);
      const later = start({ since });
      for (now = since; now < NOW + 120_000; now += 2_500)
        if (before === 'taken') expect(takes(later, captured)).not.toBe('taken');
    }
  });

  it('accepts proofs from after its start without a nonce, and older ones with its nonce', () => {
    const proofs = start({ since: NOW });
    const nonce = takes(proofs, proof());
    expect(nonce).toMatch(/^[\w-]{43}$/);
    expect(takes(proofs, proof({ nonce }))).toBe('taken');
    now += 3_000;
    expect(takes(proofs, proof())).toBe('taken');
    expect(takes(start({ since: NOW }), proof({ nonce }))).not.toBe('taken');
  });

  it('accepts a nonce for one more minute, and no other value', () => {
    const proofs = start({ since: NOW });
    const nonce = takes(proofs, proof());
    for (const other of ['', nonce.slice(1), 7, null, [nonce]])
      expect(takes(proofs, proof({ nonce: other }))).not.toBe('taken');
    now += 60_000;
    expect(takes(proofs, proof({ nonce }))).toBe('taken');
    now += 60_000;
    expect(takes(proofs, proof({ nonce }))).not.toBe('taken');
  });

  it('always asks for a nonce if several gateways serve a tenant', () => {
    const [one, two] = [start({ alwaysNonce: true }), start({ alwaysNonce: true })];
    const nonce = takes(one, proof());
    const bound = proof({ nonce });
    expect([takes(one, bound), takes(two, bound)]).toEqual(['taken', expect.not.stringContaining('taken')]);
  });

  it('refuses the flood of a key, but no proof of another key or tenant', () => {
    const proofs = start();
    const results = flood(proofs, LIMITS.dpopProofsPerKey + 10, () => ({ thumbprint: 'flood' }));
    expect(results.filter((each) => each === 'taken')).toHaveLength(LIMITS.dpopProofsPerKey);
    expect(results.at(-1)).toBe('TOO_MANY');
    expect(takes(proofs, proof())).toBe('taken');
    expect(takes(proofs, proof({ tenant: 'two', thumbprint: 'flood' }))).toBe('taken');
  });

  it('refuses the flood of a tenant with many keys, and forgets no accepted proof', () => {
    const proofs = start();
    const first = proof({ tenant: 'two' });
    takes(proofs, first);
    const results = flood(proofs, LIMITS.dpopProofsPerTenant + 5, (i) => ({ thumbprint: `k${i % 50}` }));
    expect(results.at(-1)).toBe('TOO_MANY');
    expect(takes(proofs, first)).toBe('DPOP_INVALID');
    expect(flood(proofs, 100, () => ({ tenant: 'two' })).every((each) => each === 'taken')).toBe(true);
  });

  it('accepts the proofs of a tenant with few, although others fill the common memory', () => {
    const proofs = start();
    const tenants = LIMITS.dpopProofs / LIMITS.dpopProofsPerTenant;
    for (let tenant = 0; tenant < tenants; tenant++)
      flood(proofs, LIMITS.dpopProofsPerTenant, (i) => ({ tenant: `full${tenant}`, thumbprint: `k${i % 50}` }));
    const few = flood(proofs, LIMITS.dpopProofsAssured, () => ({ tenant: 'few' }));
    expect(few.every((each) => each === 'taken')).toBe(true);
    expect(takes(proofs, proof({ tenant: 'few' }))).toBe('TOO_MANY');
  });

  it('accepts proofs again once the earlier ones have expired', () => {
    const proofs = start();
    flood(proofs, LIMITS.dpopProofsPerKey + 1, () => ({}));
    now += LIMITS.dpopProofMs;
    expect(takes(proofs, proof())).toBe('taken');
  });
});

describe('isSameAddress', () => {
  const URL_ = 'https://bailiwick.example/v1/actions';
  it.each([
    URL_,
    `${URL_}?x=1`,
    `${URL_}#y`,
    'HTTPS://BAILIWICK.EXAMPLE/v1/actions',
    'https://bailiwick.example:443/v1/actions',
  ])('accepts the address of the request written as %s', (htu) => expect(isSameAddress(htu, URL_)).toBe(true));
  it.each<[unknown]>([
    [''],
    [' '],
    ['*'],
    ['/v1/actions'],
    ['bailiwick.example:443'],
    ['//bailiwick.example/v1/actions'],
    [` ${URL_}`],
    [`${URL_} `],
    [`${URL_}\n`],
    ['http://bailiwick.example/v1/actions'],
    ['https://bailiwick.example:444/v1/actions'],
    ['https:bailiwick.example/v1/actions'],
    ['https://x@bailiwick.example/v1/actions'],
    ['https:\\\\bailiwick.example\\v1\\actions'],
    [`${URL_}/`],
    ['https://bailiwick.example/V1/actions'],
    ['https://bailiwick.example.evil.example/v1/actions'],
    ['https://'],
    ['null'],
    [null],
    [undefined],
    [7],
    [[URL_]],
  ])('refuses %j', (htu) => expect(isSameAddress(htu, URL_)).toBe(false));
  it.each([
    '',
    '*',
    'bailiwick.example:443',
    'nowhere',
    'https://',
    'https://bailiwick.examplehttps://evil.example/v1/actions x',
  ])('refuses every proof for the request address %j, even the same text', (url) => {
    expect(isSameAddress(url, url)).toBe(false);
    expect(isSameAddress('', url)).toBe(false);
  });
});
