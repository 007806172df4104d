import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

/**
 * An Ed25519 private key from a file that nobody else may read (PKCS#8, PEM).
 * @throws Error with what to do, where the file is missing, open to others, or holds another kind of key
 */
export function readPrivateKey(file: string): KeyObject {
  // Windows has no such modes: its files are guarded by lists of their own
  const { mode } = statSync(file);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    const open = (mode & 0o777).toString(8).padStart(4, '0');
    throw new Error(
      `${file} is open to others (mode ${open}): it signs, so make it yours alone with \`chmod 600 ${file}\``,
    );
  }
  return privateKeyIn(readFileSync(file, 'utf8'), file);
}

/**
 * An Ed25519 private key from its text (PKCS#8, PEM); line ends may be written as `\n`, as in an environment file.
 * @param from said in what is wrong with it; the text itself is never told
 */
export function privateKeyIn(pem: string, from: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem.replaceAll('\\n', '\n'));
  } catch {
    throw new Error(`${from} holds no private key in PKCS#8, PEM`);
  }
  if (key.asymmetricKeyType !== 'ed25519') throw new Error(`${from} holds no Ed25519 key but ${key.asymmetricKeyType}`);
  return key;
}
