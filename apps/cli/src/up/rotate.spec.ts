import { generateKeyPairSync } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rotateKey } from './rotate';
import { ensureSecrets } from './secrets';
import { openNote, parseVerifierKey } from '@bailiwick/transparency-log/note';
import { valueOf } from '@bailiwick/transparency-log/testing/keys';
import { readHandovers } from '@bailiwick/platform/logs/handovers';
import { privateKeyIn, readPrivateKey } from '@bailiwick/platform/keys/private-key';
import { readWitnessConfig } from '@bailiwick/platform/keys/witness-config';

let dir: string;
beforeEach(() => (dir = mkdtempSync(join(tmpdir(), 'bailiwick-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const { privateKey } = generateKeyPairSync('ed25519');
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

describe('the signing key', () => {
  it('is read only from a file that other users cannot read', () => {
    const file = join(dir, 'log.pem');
    writeFileSync(file, pem, { mode: 0o600 });
    expect(readPrivateKey(file).equals(privateKey)).toBe(true);
    for (const mode of [0o640, 0o604, 0o644, 0o660]) {
      chmodSync(file, mode);
      expect(() => readPrivateKey(file)).toThrow(`chmod 600 ${file}`);
    }
  });

  it('is read from the environment, and never appears in an error', () => {
    expect(privateKeyIn(pem.replaceAll('\n', '\\n'), 'BAILIWICK_LOG_KEY').equals(privateKey)).toBe(true);
    expect(() => privateKeyIn(pem.slice(30), 'BAILIWICK_LOG_KEY')).toThrow(/^BAILIWICK_LOG_KEY holds no private key/);
    const rsa = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({ type: 'pkcs8', format: 'pem' });
    expect(() => privateKeyIn(rsa.toString(), 'x')).toThrow('x holds a key of type ec; use an Ed25519 key');
  });

  it('is replaced by a new key, and signs the handover', () => {
    ensureSecrets(dir);
    const first = rotateKey(dir, 'log.test');
    const second = rotateKey(dir, 'log.test');
    expect(second.old).toBe(first.fresh);
    const notes = readHandovers(join(dir, 'keys', 'log.handovers'));
    expect(notes).toHaveLength(2);
    [first, second].forEach(({ old, fresh }, i) => {
      const { text } = valueOf(openNote(notes[i] ?? '', [valueOf(parseVerifierKey(old))]));
      expect(text).toBe(`bailiwick log key\nold ${old}\nnew ${fresh}\n`);
    });
    readPrivateKey(join(dir, 'keys', 'log.pem'));
  });
});

describe('witnesses.json', () => {
  it('names witnesses and logs, may be missing, and is refused with its name if malformed', () => {
    const file = join(dir, 'witnesses.json');
    expect(readWitnessConfig(file)).toEqual({ witnesses: [], logs: [] });
    writeFileSync(file, JSON.stringify({ witnesses: [{ vkey: 'a', url: 'https://w.test/x' }] }));
    expect(readWitnessConfig(file).witnesses).toEqual([{ vkey: 'a', url: 'https://w.test/x', everySeconds: 5 }]);
    for (const wrong of [
      '{',
      '{"witness":[]}',
      '{"witnesses":[{"vkey":"a","url":"ftp://x"}]}',
      '{"logs":[{"origin":"x"}]}',
    ]) {
      writeFileSync(file, wrong);
      expect(() => readWitnessConfig(file)).toThrow(file);
    }
  });
});
