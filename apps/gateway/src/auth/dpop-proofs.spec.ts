import { isSameAddress } from '@bailiwick/edge/tokens/addresses';
import { proofMemory, proofsAt } from '../testing/tokens';
import { NonceWanted, type Proof, type ProofOptions, type Proofs } from '@bailiwick/edge/tokens/dpop-proofs';
import { Refused } from '../http/problems/problem';

const NOW = Date.parse('2026-03-01T12:00:00Z');

describe('Proofs of several gateways', () => {
  let clock: { now: number };
  let n: number;
  beforeEach(() => {
    clock = { now: NOW };
    n = 0;
  });
  /** Starts gateways that share a memory. */
  const gateways = (options?: ProofOptions, memory = proofMemory(clock)): [Proofs, Proofs] => [
    proofsAt(clock, memory, options),
    proofsAt(clock, memory, options),
  ];
  const proof = (more: Partial<Proof> = {}): Proof => ({
    tenant: 'one',
    thumbprint: 'key',
    jti: `j${n++}`,
    issuedAt: clock.now,
    nonce: undefined,
    ...more,
  });
  const takes = async (proofs: Proofs, each: Proof, needsNonce?: boolean): Promise<string> => {
    try {
      await proofs.take(each, needsNonce);
      return 'taken';
    } catch (error) {
      if (error instanceof NonceWanted) return error.nonce;
      return (error as Refused).code;
    }
  };

  it('accept a proof at one of them only', async () => {
    const [one, two] = gateways();
    const captured = proof();
    expect(await takes(one, captured)).toBe('taken');
    expect(await takes(two, captured)).toBe('DPOP_INVALID');
    expect(await takes(one, captured)).toBe('DPOP_INVALID');
  });

  it('accept the nonces of each other for up to two minutes, and no other value', async () => {
    const [one, two] = gateways({ alwaysNonce: true });
    const nonce = await takes(one, proof());
    expect(nonce).toMatch(/^one\.[\w-]{43}$/);
    for (const other of ['', nonce.slice(1), `${nonce}x`, nonce.replace('one', 'two'), 7, null, [nonce]])
      expect(await takes(two, proof({ nonce: other }))).toBe(nonce);
    expect(await takes(two, proof({ nonce }))).toBe('taken');
    clock.now += 60_000;
    expect(await takes(two, proof({ nonce }))).toBe('taken');
    clock.now += 60_000;
    const fresh = await takes(two, proof({ nonce }));
    expect(fresh).toMatch(/^one\./);
    expect(fresh).not.toBe(nonce);
  });

  it('accept no nonce of another tenant', async () => {
    const [one] = gateways({ alwaysNonce: true });
    const nonce = await takes(one, proof());
    expect(await takes(one, proof({ tenant: 'two', nonce }))).not.toBe('taken');
  });

  it('accept a proof with a nonce of an earlier memory at no time, since that one may have accepted it', async () => {
    const [early] = gateways({ alwaysNonce: true });
    const nonce = await takes(early, proof());
    const captured = proof({ nonce });
    expect(await takes(early, captured)).toBe('taken');
    const [late] = gateways({ alwaysNonce: true }, proofMemory(clock, 'two', clock.now));
    const fresh = await takes(late, captured);
    expect(fresh).toMatch(/^two\./);
    expect(await takes(late, proof({ nonce: fresh }))).toBe('taken');
  });

  it('require a nonce where a request needs one, whatever the configuration', async () => {
    const [one] = gateways();
    const nonce = await takes(one, proof(), true);
    expect(nonce).toMatch(/^one\./);
    expect(await takes(one, proof({ nonce }), true)).toBe('taken');
  });

  it('refuse every proof if the memory cannot be reached', async () => {
    const [one] = gateways({}, () => Promise.reject(new Refused('NOT_READY', 'the owner of the log')));
    expect(await takes(one, proof())).toBe('NOT_READY');
  });

  it('refuse a proof from outside its window, or without an id, before they ask the memory', async () => {
    const asked: unknown[] = [];
    const [one] = gateways({}, (...of) => {
      asked.push(of);
      return proofMemory(clock)(...of);
    });
    for (const wrong of [
      { issuedAt: NOW - 60_000 },
      { issuedAt: NOW + 60_000 },
      { issuedAt: NaN },
      { jti: '' },
      { jti: 7 },
    ])
      expect(await takes(one, proof(wrong))).toBe('DPOP_INVALID');
    expect(asked).toEqual([]);
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
