import { createHash, createPublicKey, verify } from 'node:crypto';

/**
 * Verifies C2SP checkpoints, proofs and cosignatures, written from the specifications alone. Imports nothing of this
 * project, so that it repeats none of its mistakes. Throws if a check fails.
 * @see https://c2sp.org/signed-note, tlog-checkpoint, tlog-proof, tlog-cosignature; RFC 9162 §2.1
 */

const sha256 = (...parts: Uint8Array[]): Buffer => createHash('sha256').update(Buffer.concat(parts)).digest();
const leafOf = (entry: Uint8Array): Buffer => sha256(Buffer.of(0), entry);
const node = (left: Uint8Array, right: Uint8Array): Buffer => sha256(Buffer.of(1), left, right);

function check(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what);
}

interface Key {
  readonly name: string;
  readonly id: Buffer;
  readonly type: number;
  readonly raw: Buffer;
}

function keyOf(vkey: string): Key {
  const [name = '', id = '', ...rest] = vkey.trim().split('+');
  const bytes = Buffer.from(rest.join('+'), 'base64');
  const key = { name, id: Buffer.from(id, 'hex'), type: bytes[0] ?? 0, raw: bytes.subarray(1) };
  const made = sha256(Buffer.from(`${name}\n`), bytes).subarray(0, 4);
  check(made.equals(key.id), 'the key id does not match the key');
  return key;
}

const ed25519 = (raw: Buffer, message: string, signature: Buffer): boolean =>
  verify(
    null,
    Buffer.from(message),
    createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw.toString('base64url') }, format: 'jwk' }),
    signature,
  );

export interface Head {
  readonly origin: string;
  readonly size: bigint;
  readonly root: Buffer;
}

/** Verifies a note signed by a log key (0x01) or a witness key (0x04), and returns its head. */
export function headIn(note: string, vkey: string): Head {
  const key = keyOf(vkey);
  const at = note.lastIndexOf('\n\n');
  const text = note.slice(0, at + 1);
  const lines = note
    .slice(at + 2)
    .split('\n')
    .slice(0, -1);
  const signature = lines
    .map((line) => line.split(' '))
    .filter(([dash, name]) => dash === '—' && name === key.name)
    .map(([, , base64 = '']) => Buffer.from(base64, 'base64'))
    .find((bytes) => bytes.subarray(0, 4).equals(key.id))
    ?.subarray(4);
  check(signature !== undefined, `no signature by ${key.name}`);
  if (key.type === 1) check(ed25519(key.raw, text, signature), 'the signature is not valid');
  else {
    check(key.type === 4 && signature.length === 72, 'no Ed25519 cosignature');
    const message = `cosignature/v1\ntime ${signature.readBigUInt64BE(0)}\n${text}`;
    check(ed25519(key.raw, message, signature.subarray(8)), 'the cosignature is not valid');
  }
  const [origin = '', size = '', root = ''] = text.split('\n');
  return { origin, size: BigInt(size), root: Buffer.from(root, 'base64') };
}

/** Verifies a textual proof that the entry is in the log of this key, and returns its index and the head. */
export function included(proof: string, entry: Uint8Array, vkey: string): { index: bigint; head: Head } {
  const at = proof.indexOf('\n\n');
  const [kind, index = '', ...path] = proof.slice(0, at).split('\n');
  check(kind === 'c2sp.org/tlog-proof@v1' && index.startsWith('index '), 'not a tlog-proof');
  const head = headIn(proof.slice(at + 2), vkey);
  let fn = BigInt(index.slice('index '.length));
  let sn = head.size - 1n;
  check(fn <= sn, 'the index is beyond the tree');
  let hash = leafOf(entry);
  for (const sibling of path.map((line) => Buffer.from(line, 'base64'))) {
    check(sn > 0n, 'the proof is too long');
    if (fn % 2n === 1n || fn === sn) {
      hash = node(sibling, hash);
      while (fn % 2n === 0n && fn > 0n) [fn, sn] = [fn / 2n, sn / 2n];
    } else hash = node(hash, sibling);
    [fn, sn] = [fn / 2n, sn / 2n];
  }
  check(sn === 0n && hash.equals(head.root), 'the proof leads to another root');
  return { index: BigInt(index.slice('index '.length)), head };
}

/** Verifies, by a submission to a witness, that the tree of a later head extends that of an earlier one. */
export function continues(submission: string, earlier: Head, vkey: string): Head {
  const at = submission.indexOf('\n\n');
  const [old = '', ...lines] = submission.slice(0, at).split('\n');
  const later = headIn(submission.slice(at + 2), vkey);
  check(old === `old ${earlier.size}` && later.origin === earlier.origin, 'the submission is for another log or size');
  const proof = lines.map((line) => Buffer.from(line, 'base64'));
  if (earlier.size === later.size) {
    check(proof.length === 0 && earlier.root.equals(later.root), 'the histories differ');
    return later;
  }
  const isPower = (earlier.size & (earlier.size - 1n)) === 0n;
  const [first, ...rest] = isPower ? [earlier.root, ...proof] : proof;
  check(first !== undefined, 'the proof is empty');
  let [fn, sn] = [earlier.size - 1n, later.size - 1n];
  while (fn % 2n === 1n) [fn, sn] = [fn / 2n, sn / 2n];
  let [fr, sr] = [first, first];
  for (const hash of rest) {
    check(sn > 0n, 'the proof is too long');
    if (fn % 2n === 1n || fn === sn) {
      [fr, sr] = [node(hash, fr), node(hash, sr)];
      while (fn % 2n === 0n && fn > 0n) [fn, sn] = [fn / 2n, sn / 2n];
    } else sr = node(sr, hash);
    [fn, sn] = [fn / 2n, sn / 2n];
  }
  check(sn === 0n && fr.equals(earlier.root) && sr.equals(later.root), 'the history was changed');
  return later;
}
