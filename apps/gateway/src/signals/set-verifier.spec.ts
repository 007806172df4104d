import { LIMITS } from '@bailiwick/core/limits';
import { signingKey, type SigningKey, type TestIssuer } from '../testing/issuer';
import { configOf, SET_HEADER, setClaims, startTransmitter } from '../testing/signals';
import { NOW } from '../testing/tokens';
import { SetVerifier } from './set-verifier';
import { checkedTransmitters } from './transmitter-config';

let idp: TestIssuer;
let verifier: SetVerifier;
let added: SigningKey;
let now: number;
beforeAll(() => (added = signingKey('k2')));
beforeEach(async () => {
  now = NOW;
  idp = await startTransmitter();
  const [config] = checkedTransmitters({ transmitters: [configOf(idp.url)] }, 'https://bailiwick.example');
  verifier = new SetVerifier(config!, () => now);
});
afterEach(async () => {
  jest.useRealTimers();
  await idp.stop();
});

const signed = (key?: SigningKey, header = {}): Promise<string> =>
  idp.sign(setClaims(idp.url), { ...SET_HEADER, ...header }, key);
/** `fine`, or why a token is refused. */
const outcome = (verified: Promise<unknown>): Promise<unknown> =>
  verified.then(
    () => 'fine',
    (error: unknown) => {
      const { err, code } = error as { err?: string; code?: string };
      return err ?? code;
    },
  );
/** Moves on until the keys may be fetched again: the library that keeps them reads the clock of the machine. */
function later(): void {
  now += LIMITS.issuers.refetchMs;
  jest.useFakeTimers({
    now: Date.now() + LIMITS.issuers.refetchMs + 1,
    doNotFake: ['setTimeout', 'setImmediate', 'nextTick', 'queueMicrotask', 'clearTimeout', 'performance'],
  });
}
const fetched = (): number => idp.requests.filter((url) => url === '/jwks').length;

describe('SetVerifier', () => {
  it('does not refuse for good a key that may be new, until the keys were fetched after the token came', async () => {
    expect(await outcome(verifier.verify(await signed()))).toBe('fine');
    idp.keys.push(added);
    for (let i = 0; i < 3; i++) expect(await outcome(verifier.verify(await signed(added)))).toBe('NOT_READY');
    expect(fetched()).toBe(1);
    later();
    expect(await outcome(verifier.verify(await signed(added)))).toBe('fine');
    expect(fetched()).toBe(2);
  });

  it('refuses for good a key that is still unknown then, for all tokens that came before', async () => {
    await verifier.verify(await signed());
    later();
    const arrival = verifier.arrival();
    for (const kid of ['made-up-1', 'made-up-2'])
      expect(await outcome(verifier.verify(await signed(added, { kid }), arrival))).toBe('invalid_key');
    expect(await outcome(verifier.verify(await signed(added)))).toBe('NOT_READY');
    expect(fetched()).toBe(2);
  });

  it('refuses for good an unknown key at the first fetch', async () => {
    expect(await outcome(verifier.verify(await signed(added)))).toBe('invalid_key');
  });

  it.each(['{"maintenance":true}', '[]', 'null', '{"keys":{}}', '{"keys":["k1"]}', '<html>'])(
    'does not refuse for good while %s is in place of the keys, and does not fetch it over and over',
    async (body) => {
      idp.answers.set('/jwks', { body });
      for (let i = 0; i < 3; i++) expect(await outcome(verifier.verify(await signed()))).toBe('NOT_READY');
      expect(fetched()).toBe(1);
      idp.answers.delete('/jwks');
      later();
      expect(await outcome(verifier.verify(await signed()))).toBe('fine');
    },
  );
});
