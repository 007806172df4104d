import type { KeyObject } from 'node:crypto';
import { refsIn, type PersonNames } from '@bailiwick/contracts/people/person-names';
import {
  envelope as envelopeSchema,
  namesStatement,
  RECEIPT_NAMES,
  STATEMENT_TYPE,
  type Envelope,
  type NamesStatement,
} from '@bailiwick/contracts/receipts/receipt';
import { sha256hex } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { parseExactly } from '@bailiwick/core/json';
import { signStatement } from './envelope';
import { envelopesIn } from './web/parts';

/** Lists the refs of people in the bodies of events, each once, at most `LIMITS.namesAtOnce`. */
export function refsInBodies(bodies: Iterable<string>): string[] {
  const found = new Set<string>();
  for (const body of bodies) {
    // principals and purposes are named by payloads, if at all
    for (const each of refsIn(body.replace(/"\w+Ref":"ref_\w+"/g, ''))) found.add(each);
    if (found.size >= LIMITS.namesAtOnce) break;
  }
  return [...found].slice(0, LIMITS.namesAtOnce);
}

/**
 * Adds the names of people to a receipt, signed separately about its payload.
 * @param subject the id that the receipt is about
 */
export function withNames(
  envelope: Envelope,
  subject: string,
  names: PersonNames,
  key: KeyObject,
  keyid: string,
): Envelope {
  if (Object.keys(names).length === 0) return envelope;
  const about = { name: subject, digest: { sha256: sha256hex(Buffer.from(envelope.payload, 'base64')) } };
  const statement: NamesStatement = {
    _type: STATEMENT_TYPE,
    subject: [about],
    predicateType: RECEIPT_NAMES,
    predicate: { names: { ...names } },
  };
  return { ...envelope, names: signStatement(statement, key, keyid) };
}

/** Reads the names in a receipt without verifying them; none if they are malformed. */
export function unverifiedNames(input: unknown): PersonNames {
  try {
    const first = envelopeSchema.safeParse(envelopesIn(input)[0]);
    if (!first.success || !first.data.names) return {};
    const text = Buffer.from(first.data.names.payload, 'base64').toString();
    const parsed = namesStatement.safeParse(parseExactly(text));
    return parsed.success ? parsed.data.predicate.names : {};
  } catch {
    return {};
  }
}
