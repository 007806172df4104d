import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';

/**
 * Reads an Ed25519 private key (PKCS#8, PEM) from a file that only its owner can read.
 * @throws Error with what to do if the file is missing, accessible to others, or holds another kind of key
 */
export function readPrivateKey(file: string): KeyObject {
  // Windows has no such modes; access control lists protect its files
  const { mode } = statSync(file);
  if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
    const open = (mode & 0o777).toString(8).padStart(4, '0');
    throw new Error(
      `${file} is accessible to others (mode ${open}): it holds a signing key, so restrict it with \`chmod 600 ${file}\``,
    );
  }
  return privateKeyIn(readFileSync(file, 'utf8'), file);
}

/**
 * Reads an Ed25519 private key from its text (PKCS#8, PEM); line ends may be written as `\n`, as in an environment
 * file.
 * @param from name of the source in error messages, which never contain the text itself
 */
export function privateKeyIn(pem: string, from: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem.replaceAll('\\n', '\n'));
  } catch {
    throw new Error(`${from} holds no private key in PKCS#8, PEM`);
  }
  if (key.asymmetricKeyType !== 'ed25519')
    throw new Error(`${from} holds a key of type ${key.asymmetricKeyType}; use an Ed25519 key`);
  return key;
}
