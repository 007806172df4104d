import { generateKeyPairSync } from 'node:crypto';
import * as fc from 'fast-check';
import { Opener, Sealer } from './sealing';

function pair() {
  const { privateKey, publicKey } = generateKeyPairSync('x25519');
  return {
    opener: new Opener(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()),
    sealer: new Sealer(publicKey.export({ type: 'spki', format: 'pem' }).toString()),
  };
}
const { opener, sealer } = pair();
const other = pair();
const CONTEXT = ['default', 'files', 'sha256:1'];

describe('Sealer and Opener', () => {
  it('opens exactly what was sealed, and seals a text differently each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const [one, two] = [sealer.seal(text, CONTEXT), sealer.seal(text, CONTEXT)];
        expect(one).not.toBe(two);
        expect([opener.open(one, CONTEXT), opener.open(two, CONTEXT)]).toEqual([text, text]);
        expect(opener.decrypt(opener.encrypt(text, CONTEXT), CONTEXT)).toBe(text);
      }),
      { numRuns: 30 },
    );
  });

  it.each([
    ['tenant', ['acme', 'files', 'sha256:1']],
    ['server', ['default', 'file', 'ssha256:1']],
    ['address', ['default', 'files', 'sha256:2']],
  ])('opens nothing under another %s', (_what, context) => {
    expect(() => opener.open(sealer.seal('secret', CONTEXT), context)).toThrow();
    expect(() => opener.decrypt(opener.encrypt('secret', CONTEXT), context)).toThrow();
  });

  it('opens nothing that was sealed for another key, or changed in any byte', () => {
    expect(() => other.opener.open(sealer.seal('secret', CONTEXT), CONTEXT)).toThrow();
    const bytes = Buffer.from(sealer.seal('secret', CONTEXT), 'base64url');
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] as number) ^ 1;
      expect(() => opener.open(changed.toString('base64url'), CONTEXT)).toThrow();
    }
    for (const text of ['', 'AAAA', bytes.subarray(0, 40).toString('base64url')])
      expect(() => opener.open(text, CONTEXT)).toThrow();
  });

  it('does not open at rest what was sealed, nor the reverse', () => {
    expect(() => opener.decrypt(sealer.seal('secret', CONTEXT), CONTEXT)).toThrow();
    expect(() => opener.open(opener.encrypt('secret', CONTEXT), CONTEXT)).toThrow();
  });

  it('names the same parts alike, and by a key', () => {
    expect(opener.nameOf(['a', 'b'])).toBe(opener.nameOf(['a', 'b']));
    expect(opener.nameOf(['ab'])).not.toBe(opener.nameOf(['a', 'b']));
    expect(other.opener.nameOf(['a'])).not.toBe(opener.nameOf(['a']));
  });

  it('takes no key of another kind', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    expect(() => new Sealer(publicKey.export({ type: 'spki', format: 'pem' }).toString())).toThrow('X25519');
    expect(() => new Opener(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString())).toThrow('X25519');
  });
});
