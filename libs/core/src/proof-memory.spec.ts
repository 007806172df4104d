import { LIMITS } from './limits';
import { ProofMemory, type ProofUse } from './proof-memory';

const NOW = Date.parse('2026-03-01T12:00:00Z');

describe('ProofMemory', () => {
  let now: number;
  let n: number;
  beforeEach(() => {
    now = NOW;
    n = 0;
  });
  const start = (): ProofMemory => new ProofMemory(() => now);
  const use = (more: Partial<ProofUse> = {}): ProofUse => ({
    tenant: 'one',
    thumbprint: 'key',
    id: `j${n++}`,
    issuedAt: now,
    hasNonce: false,
    ...more,
  });
  const flood = (memory: ProofMemory, times: number, more: (i: number) => Partial<ProofUse>): string[] =>
    Array.from({ length: times }, (_, i) => memory.take(use(more(i))));

  it('accepts no proof that an earlier memory may have accepted at any time of its validity', () => {
    const since = NOW + 500; // the earlier memory accepted proofs until here
    for (let ahead = -59_000; ahead < 60_000; ahead += 1_000) {
      now = NOW;
      const captured = use({ issuedAt: NOW + ahead });
      const before = start().take(captured, NOW - 600_000);
      const later = start();
      for (now = since; now < NOW + 120_000; now += 2_500)
        if (before === 'taken') expect(later.take(captured, since)).not.toBe('taken');
    }
  });

  it('accepts proofs from after its start without a nonce, and older ones with its nonce', () => {
    const memory = start();
    expect(memory.take(use(), NOW)).toBe('nonce');
    expect(memory.take(use({ hasNonce: true }), NOW)).toBe('taken');
    now += 3_000;
    expect(memory.take(use(), NOW)).toBe('taken');
  });

  it('refuses a used proof at any time of its validity, whatever its nonce', () => {
    const memory = start();
    const proof = use({ issuedAt: NOW + 59_000 });
    expect(memory.take(proof)).toBe('taken');
    now = NOW + 118_000;
    expect(memory.take(proof)).toBe('used');
    expect(memory.take({ ...proof, hasNonce: true })).toBe('used');
    expect(memory.take({ ...proof, tenant: 'two' })).toBe('taken');
    expect(memory.take({ ...proof, thumbprint: 'another' })).toBe('taken');
  });

  it('refuses the flood of a key, but no proof of another key or tenant', () => {
    const memory = start();
    const results = flood(memory, LIMITS.dpopProofsPerKey + 10, () => ({ thumbprint: 'flood' }));
    expect(results.filter((each) => each === 'taken')).toHaveLength(LIMITS.dpopProofsPerKey);
    expect(results.at(-1)).toBe('full');
    expect(memory.take(use())).toBe('taken');
    expect(memory.take(use({ tenant: 'two', thumbprint: 'flood' }))).toBe('taken');
  });

  it('refuses the flood of a tenant with many keys, and forgets no accepted proof', () => {
    const memory = start();
    const first = use({ tenant: 'two' });
    memory.take(first);
    const results = flood(memory, LIMITS.dpopProofsPerTenant + 5, (i) => ({ thumbprint: `k${i % 50}` }));
    expect(results.at(-1)).toBe('full');
    expect(memory.take(first)).toBe('used');
    expect(flood(memory, 100, () => ({ tenant: 'two' })).every((each) => each === 'taken')).toBe(true);
  });

  it('accepts the proofs of a tenant with few, although others fill the common memory', () => {
    const memory = start();
    const tenants = LIMITS.dpopProofs / LIMITS.dpopProofsPerTenant;
    for (let tenant = 0; tenant < tenants; tenant++)
      flood(memory, LIMITS.dpopProofsPerTenant, (i) => ({ tenant: `full${tenant}`, thumbprint: `k${i % 50}` }));
    const few = flood(memory, LIMITS.dpopProofsAssured, () => ({ tenant: 'few' }));
    expect(few.every((each) => each === 'taken')).toBe(true);
    expect(memory.take(use({ tenant: 'few' }))).toBe('full');
  });

  it('accepts proofs again once the earlier ones have expired', () => {
    const memory = start();
    flood(memory, LIMITS.dpopProofsPerKey + 1, () => ({}));
    now += LIMITS.dpopProofKeptMs;
    expect(memory.take(use())).toBe('taken');
  });
});
