import { createHash } from 'node:crypto';

/** A log entry is the SHA-256 of an event's stored bytes, so that proofs show an event without showing its payload. */
export const entryHash = (body: Uint8Array | string): Buffer => createHash('sha256').update(body).digest();

/** @see RFC 6962 §2.1: SHA-256(0x00 ‖ entry) */
export const leafHash = (entry: Uint8Array): Buffer => createHash('sha256').update(LEAF).update(entry).digest();

/** @see RFC 6962 §2.1: SHA-256(0x01 ‖ left ‖ right) */
export const nodeHash = (left: Uint8Array, right: Uint8Array): Buffer => createHash('sha256').update(NODE).update(left).update(right).digest();

/** @see RFC 6962 §2.1: the hash of the empty tree is that of the empty string */
export const emptyRoot = (): Buffer => createHash('sha256').digest();

const LEAF = Buffer.from([0]);
const NODE = Buffer.from([1]);
