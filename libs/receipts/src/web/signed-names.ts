import { namesStatement } from '@bailiwick/contracts/receipts/receipt';
import type { PersonNames } from '@bailiwick/contracts/people/person-names';
import { parseExactly } from '@bailiwick/core/json';
import type { Crypto } from './crypto';
import { need } from './failed';

/**
 * Reads the names of people from a verified body, which must be about this receipt: names of another one could be
 * those that were erased since.
 * @param receipt the payload of the receipt's first envelope
 */
export function namesIn(crypto: Crypto, body: Uint8Array, receipt: Uint8Array): [PersonNames, string] {
  const parsed = namesStatement.safeParse(valueIn(crypto.text(body)));
  if (!parsed.success) return need(false, 'the statement about names is malformed');
  const { subject, predicate } = parsed.data;
  const digest = crypto.sha256hex(receipt);
  need(subject.length === 1 && subject[0]?.digest.sha256 === digest, 'the names are of another receipt');
  const all = Object.values(predicate.names);
  const erased = all.filter((name) => name === null).length;
  return [predicate.names, `${all.length - erased} named, ${erased} erased`];
}

function valueIn(text: string | undefined): unknown {
  try {
    return parseExactly(text ?? '');
  } catch {
    return undefined;
  }
}
