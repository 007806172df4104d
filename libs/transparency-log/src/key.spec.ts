import { generateKeyPairSync } from 'node:crypto';
import { readKey, SIGNATURE_TYPE, writeKey } from './key';
import { errorOf, seededKey, valueOf } from './testing/keys';

const { ed25519, cosignature } = SIGNATURE_TYPE;

// Keys that other implementations publish or test with.
const EXAMPLE = 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k'; // c2sp.org/signed-note
const PETER = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'; // golang.org/x/mod/sumdb/note
const WITH_PLUS = 'TEST+7997405c+AQcC+FTVKf0jlTdHDY3rbevmnKxxPjigCXlVtGe6RIr6'; // transparency-dev/formats
const WITNESS = 'remora.n621.de+da77ade7+BOvN63jn/bLvkieywe8R6UYAtVtNbZpXh34x7onlmtw2'; // a public witness

describe('verifier keys', () => {
  it.each([EXAMPLE, PETER, WITH_PLUS])('are read and written as others do: %s', (vkey) => {
    const { name, publicKey } = valueOf(readKey(vkey, ed25519));
    expect(writeKey(name, ed25519, publicKey)).toBe(vkey);
  });

  it('are of one signature type: a witness key is no log key, nor the reverse', () => {
    expect(valueOf(readKey(WITNESS, cosignature)).name).toBe('remora.n621.de');
    expect(errorOf(readKey(WITNESS, ed25519))).toBe('the verifier key of remora.n621.de is of signature type 4, not 1');
    expect(errorOf(readKey(EXAMPLE, cosignature))).toContain('is of signature type 1, not 4');
  });

  it('are written alike from the private and the public half, the name in UTF-8', () => {
    expect(writeKey('Señor-0', ed25519, seededKey(0))).toBe(
      'Señor-0+2b9e7c9d+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop',
    );
    expect(writeKey('EnochRoot', ed25519, seededKey(0))).toBe(
      'EnochRoot+af0cfe78+ATtqJ7zOtqQtYqOo0CpvDXNlMhV3HeJDpjrASKGLWdop',
    );
  });

  it('with any character changed, lost or added are refused', () => {
    for (let i = 0; i < PETER.length; i += 1) {
      const next = String.fromCharCode(PETER.charCodeAt(i) + 1);
      errorOf(readKey(PETER.slice(0, i) + next + PETER.slice(i + 1), ed25519));
      errorOf(readKey(PETER.slice(0, i) + PETER.slice(i + 1), ed25519));
      errorOf(readKey(`${PETER.slice(0, i)} ${PETER.slice(i)}`, ed25519));
    }
    expect(readKey(`${PETER}\n`, ed25519).ok).toBe(true);
    errorOf(readKey(`${PETER}\n\n`, ed25519));
    errorOf(readKey(PETER.replace('c74f20a3', 'C74F20A3'), ed25519));
    // the key id fits, but the key is longer, or of a type that nobody knows
    expect(
      errorOf(readKey('PeterNeumann+cc469956+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TWBADKEY==', ed25519)),
    ).toMatch(/base64|bytes/);
    expect(errorOf(readKey('PeterNeumann+173116ae+ZRpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW', ed25519))).toContain(
      'signature type 101',
    );
  });

  it.each(['', 'a b', 'a+b', 'a\u00a0b', 'a\u0085b', 'a\u0001b', 'a\nb'])('are not written for the name %j', (name) => {
    expect(() => writeKey(name, ed25519, seededKey(1))).toThrow('not a key name');
  });

  it('are Ed25519 keys', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    expect(() => writeKey('a', ed25519, publicKey)).toThrow('not an Ed25519 key but ec');
  });
});
