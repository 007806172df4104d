import { hash } from 'node:crypto';

/** Length of every hash in a tree, in bytes. */
export const HASH_BYTES = 32;

// The two prefixes prevent an inner node from being presented as a leaf, or the reverse (RFC 6962 §2.1).
const LEAF = 0x00;
const NODE = 0x01;

/** reusable buffer for hash input, since a tree hashes small inputs often */
const room = Buffer.alloc(1 + 2 * HASH_BYTES);
const roomOfEntry = room.subarray(0, 1 + HASH_BYTES);

/** Computes SHA-256 into a shared buffer pool: a separate allocation per hash would cost more than the hash. */
const sha256 = (data: Uint8Array | string): Buffer => Buffer.from(hash('sha256', data, 'binary'), 'latin1');

/**
 * Computes the log entry of an event: SHA-256 of its stored bytes. Entries are these 32 bytes and not the bodies, so that
 * tiles and proofs can be published without the bodies.
 */
export const entryHash = (body: Uint8Array | string): Buffer => sha256(body);

/** SHA-256(0x00 ‖ entry). @see RFC 6962 §2.1 */
export function leafHash(entry: Uint8Array): Buffer {
  const bytes = entry.length === HASH_BYTES ? roomOfEntry : Buffer.alloc(1 + entry.length);
  bytes[0] = LEAF;
  bytes.set(entry, 1);
  return sha256(bytes);
}

/** SHA-256(0x01 ‖ left ‖ right). @throws RangeError unless both are hashes. @see RFC 6962 §2.1 */
export function nodeHash(left: Uint8Array, right: Uint8Array): Buffer {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES)
    throw new RangeError(`a node needs two hashes of ${HASH_BYTES} bytes, not ${left.length} and ${right.length}`);
  room[0] = NODE;
  room.set(left, 1);
  room.set(right, 1 + HASH_BYTES);
  return sha256(room);
}

/** Returns the root of the empty tree: the hash of zero bytes. @see RFC 6962 §2.1 */
export const emptyRoot = (): Buffer => sha256('');
