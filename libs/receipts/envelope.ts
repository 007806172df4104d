import { sign, type KeyObject } from 'node:crypto';
import {
  PAYLOAD_TYPE,
  PREDICATE_TYPE,
  STATEMENT_TYPE,
  type Envelope,
  type Predicate,
  type ReceiptEvent,
  type Statement,
} from '#contracts/receipt';
import { sha256hex } from '#kernel/digest';

/** @see DSSE protocol: PAE(type, body) */
export function preAuthEncoding(type: string, body: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from(`DSSEv1 ${Buffer.byteLength(type)} ${type} ${body.length} `), body]);
}

/** The in-toto statement of a run's receipt. Its subject is the run, by the digest of the event that opened it. */
export function makeStatement(claims: Predicate, events: readonly ReceiptEvent[]): Statement {
  const opening = events.find((each) => isOpening(each.body, claims.run.id));
  return {
    _type: STATEMENT_TYPE,
    subject: [{ name: claims.run.id, digest: { sha256: sha256hex(opening?.body ?? '') } }],
    predicateType: PREDICATE_TYPE,
    predicate: { ...claims, events: [...events] },
  };
}

function isOpening(body: string, runId: string): boolean {
  const event = JSON.parse(body) as { type?: string; runId?: string };
  return event.type === 'RunOpened' && event.runId === runId;
}

export function signStatement(statement: Statement, key: KeyObject, keyid: string): Envelope {
  const body = Buffer.from(JSON.stringify(statement));
  const sig = sign(null, preAuthEncoding(PAYLOAD_TYPE, body), key);
  return {
    payloadType: PAYLOAD_TYPE,
    payload: body.toString('base64'),
    signatures: [{ keyid, sig: sig.toString('base64') }],
  };
}
