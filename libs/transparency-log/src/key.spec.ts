import { generateKeyPairSync } from 'node:crypto';
import { readKey, SIGNATURE_TYPE, writeKey } from './key';
import { errorOf, seededKey, valueOf } from './testing/keys';

const { ed25519, cosignature } = SIGNATURE_TYPE;

// Keys that other implementations publish or use in tests.
const EXAMPLE = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'; // c2sp.org/signed-note
const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'; // golang.org/x/mod/sumdb/note
const WITH_PLUS = 'TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6'; // transparency-dev/formats
const WITNESS = 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2'; // a public witness

describe('verifier keys', () => {
  it.each([EXAMPLE, PETER, WITH_PLUS])('round-trip like in other implementations: %s', (vkey) => {
    const { name, publicKey } = valueOf(readKey(vkey, ed25519));
    expect(writeKey(name, ed25519, publicKey)).toBe(vkey);
  });

  it('have one signature type: a witness key is not a log key, nor the reverse', () => {
    expect(valueOf(readKey(WITNESS, cosignature)).name).toBe('remora.n621.de');
    expect(errorOf(readKey(WITNESS, ed25519))).toBe('the verifier key of remora.n621.de has signature type 4, not 1');
    expect(errorOf(readKey(EXAMPLE, cosignature))).toContain('has signature type 1, not 4');
  });

  it('are the same from the private and the public half, with the name in UTF-8', () => {
    expect(writeKey('Señor-0', ed25519, seededKey(0))).toBe(
      'Señor-0+2b9e7c9d+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop',
    );
    expect(writeKey('EnochRoot', ed25519, seededKey(0))).toBe(
      'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop',
    );
  });

  it('are refused with any character changed, removed or added', () => {
    for (let i = 0; i < PETER.length; i += 1) {
      const next = String.fromCharCode(PETER.charCodeAt(i) + 1);
      errorOf(readKey(PETER.slice(0, i) + next + PETER.slice(i + 1), ed25519));
      errorOf(readKey(PETER.slice(0, i) + PETER.slice(i + 1), ed25519));
      errorOf(readKey(`${PETER.slice(0, i)} ${PETER.slice(i)}`, ed25519));
    }
    expect(readKey(`${PETER}\n`, ed25519).ok).toBe(true);
    errorOf(readKey(`${PETER}\n\n`, ed25519));
    errorOf(readKey(PETER.replace('c74f20a3', 'C74F20A3'), ed25519));
    // the key id matches, but the key is longer, or of an unknown type
    expect(
      errorOf(readKey('PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==', ed25519)),
    ).toMatch(/base64|bytes/);
    expect(errorOf(readKey('PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW', ed25519))).toContain(
      'signature type 101',
    );
  });

  it.each(['', 'a b', 'a+b', 'a\u00a0b', 'a\u0085b', 'a\u0001b', 'a\nb'])('are refused for the name %j', (name) => {
    expect(() => writeKey(name, ed25519, seededKey(1))).toThrow('not a key name');
  });

  it('are refused for other than Ed25519 keys', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(() => writeKey('a', ed25519, publicKey)).toThrow('not an Ed25519 key but ec');
  });
});
