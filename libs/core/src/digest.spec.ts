import { createHash } from 'node:crypto';
import { canonicalDigest, saltedDigest, sha256, sha256hex } from './digest';

describe('sha256 and the digests built on it', () => {
  it('hashes strings as UTF-8 (FIPS 180-4 examples)', () => {
    expect(sha256hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
    expect(sha256('').toString('hex')).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
    expect(sha256hex('é')).toBe(sha256hex(Buffer.from([0xc3, 0xa9])));
  });

  it('digests the canonical form of a value', () => {
    expect(canonicalDigest({ b: 1, a: [true, null] })).toBe(`sha256:${sha256hex('{"a":[true,null],"b":1}')}`);
    expect(canonicalDigest({ b: 1, a: 2 })).toBe(canonicalDigest({ a: 2, b: 1 }));
    expect(canonicalDigest({})).toBe('sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a');
    expect(() => canonicalDigest(undefined)).toThrow('undefined has no JSON representation');
  });

  it('hashes the bytes of the salt, then the value', () => {
    const salt = 'AAECAwQFBgcICQoLDA0ODw';
    const bytes = Buffer.concat([Buffer.from([...Array(16).keys()]), Buffer.from('{"name":"é"}')]);
    expect(saltedDigest(salt, { name: 'é' })).toBe(`sha256:${createHash('sha256').update(bytes).digest('hex')}`);
    expect(saltedDigest('AAECAwQFBgcICQoLDA0OEA', { name: 'é' })).not.toBe(saltedDigest(salt, { name: 'é' }));
    expect(saltedDigest(salt, { name: 'e' })).not.toBe(saltedDigest(salt, { name: 'é' }));
  });

  it.each(['', 'A', 'AAEC+w', 'AAEC/w', 'AAE=', 'AA EC', 'AAEC\n'])(
    'refuses the salt %j, which would decode to fewer bytes than it appears to',
    (salt) => {
      expect(() => saltedDigest(salt, {})).toThrow('a salt is base64url');
    },
  );
});
