import { hash } from 'node:crypto';

/** Length of every hash in a tree, bytes. */
export const HASH_BYTES = 32;

// The two prefixes keep a leaf from ever being taken for an inner node, or the reverse (RFC 6962 §2.1).
const LEAF = Buffer.of(0x00);
const NODE = Buffer.of(0x01);

/**
 * The log entry of an event: SHA-256 of the event's stored bytes. A log's entries are these 32 bytes and not the bodies,
 * so that tiles and proofs can be published without them.
 */
export const entryHash = (body: Uint8Array | string): Buffer => hash('sha256', body, 'buffer');

/** SHA-256(0x00 ‖ entry). @see RFC 6962 §2.1 */
export const leafHash = (entry: Uint8Array): Buffer => hash('sha256', Buffer.concat([LEAF, entry]), 'buffer');

/** SHA-256(0x01 ‖ left ‖ right). @see RFC 6962 §2.1 */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer =>
  hash('sha256', Buffer.concat([NODE, left, right]), 'buffer');

/** The root of the tree with no leaves: the hash of no bytes. @see RFC 6962 §2.1 */
export const emptyRoot = (): Buffer => hash('sha256', '', 'buffer');
