import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { existsSync, readFileSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { addHandover, readHandovers } from '@bailiwick/platform/logs/handovers';
import { readPrivateKey } from '@bailiwick/platform/keys/private-key';
import { makeSigner, signNote, verifierKey } from '@bailiwick/transparency-log/note';
import { UsageError } from '../context';
import { writePrivate } from '../write-private';

/**
 * Replaces the signing key of the logs of a data folder. The old key signs the handover (`log.handovers`) and is then
 * deleted; its signatures still verify with its public key.
 * @returns both verifier keys under the name of the installation
 */
export function rotateKey(dataDir: string, origin: string): { old: string; fresh: string } {
  const keys = join(dataDir, 'keys');
  const [now, next, handovers] = [join(keys, 'log.pem'), join(keys, 'log.next.pem'), join(keys, 'log.handovers')];
  if (!existsSync(now))
    throw new UsageError(`${now} does not exist: start the system once, or name its folder with --data`);
  // After a crash the next call finds the new key and continues with it.
  if (!existsSync(next)) {
    const { privateKey } = generateKeyPairSync('ed25519');
    writePrivate(next, privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  }
  const old = readPrivateKey(now);
  const [from, to] = [verifierKey(origin, old), verifierKey(origin, createPrivateKey(readFileSync(next)))];
  const text = `bailiwick log key\nold ${from}\nnew ${to}\n`;
  if (!readHandovers(handovers).some((note) => note.startsWith(text)))
    addHandover(handovers, signNote(text, [makeSigner(origin, old)]));
  renameSync(next, now);
  return { old: from, fresh: to };
}
