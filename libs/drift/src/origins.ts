import { HANDED, type Asked } from './asked';
import type { History, Returned } from './memory';
import { holds, type Value, type ValueKind } from './values';

const CERTAINTY: Record<ValueKind, number> = { identifier: 1, name: 0.6, phrase: 0.4, number: 0.2 };

/** How unlikely it is that a value is found in a text by chance; 0..1. A long match is less likely a coincidence. */
export function certainty({ kind, text }: Value): number {
  if (kind === 'identifier' || kind === 'number') return CERTAINTY[kind];
  return Math.min(0.95, CERTAINTY[kind] + 0.15 * (text.split(' ').length - 1));
}

/** How much counts of what a result has, by its labels. */
export const TRUST: Record<Returned['trust'], number> = { untrusted: 1, unlabelled: 0.9, trusted: 0 };

/** Where the values of a call come from that its goal does not have. Each is an amount 0..1, with the tool that returned it. */
export interface Origins {
  /** an identifier that occurs only inside an order */
  readonly ordered: From;
  /** a name, phrase or number that occurs only inside an order */
  readonly orderedText: From;
  /** an identifier in a long text of the call that occurs only inside an order */
  readonly mentioned: From;
  /** a value inside an order and elsewhere in results */
  readonly repeated: From;
  /** a value in results, outside orders */
  readonly data: From;
  /** a value that occurs nowhere */
  readonly nowhere: From;
}
export interface From {
  readonly amount: number;
  /** the tool whose result has it */
  readonly source?: string | undefined;
  readonly value?: Value | undefined;
}
const NONE: From = { amount: 0 };

/** Share of a source that the goal names: to take values from it was asked for. */
const NAMED = 0.5;

export function originsOf(history: History, asked: Asked): Origins {
  const found = { ordered: NONE, orderedText: NONE, mentioned: NONE, repeated: NONE, data: NONE, nowhere: NONE };
  const { call, run, foreign, texts } = asked;
  for (const value of foreign) {
    const certain = certainty(value);
    const isIdentifier = value.kind === 'identifier';
    const place = placeOf(history, value.text);
    const counts = holds(run.handed.text, value.text) ? HANDED : 1;
    const from = (amount: number): From => ({ amount: amount * counts * place.trust, source: place.source, value });
    if (texts.has(value.path)) {
      if (isIdentifier && place.inOrder && !place.inData) found.mentioned = larger(found.mentioned, from(1));
    } else if (place.inOrder && !place.inData) {
      if (isIdentifier) found.ordered = larger(found.ordered, from(1));
      else found.orderedText = larger(found.orderedText, from(certain));
    } else if (place.inOrder) found.repeated = larger(found.repeated, from(certain));
    else if (place.inData) found.data = larger(found.data, from(certain * (place.named ? NAMED : 1)));
    else if (
      call.effect !== 'read' &&
      !place.isTrusted &&
      (isIdentifier ? !asked.isDerived(value.text) : value.kind === 'name')
    )
      found.nowhere = larger(found.nowhere, {
        amount: isIdentifier && call.effect === 'external' ? 1 : isIdentifier ? 0.2 : 0.5,
        value,
      });
  }
  return found;
}

const larger = (a: From, b: From): From => (b.amount > a.amount ? b : a);

interface Place {
  readonly inOrder: boolean;
  readonly inData: boolean;
  /** the goal names a source of it */
  readonly named: boolean;
  readonly isTrusted: boolean;
  readonly trust: number;
  readonly source: string | undefined;
}

function placeOf({ results }: History, value: string): Place {
  let [inOrder, inData, named, trust] = [false, false, false, 0];
  let source: string | undefined;
  for (const result of results) {
    if (!holds(result.text, value)) continue;
    // what a trusted result has is known: no further origin of it makes it foreign
    if (result.trust === 'trusted')
      return { inOrder: false, inData: false, named: true, isTrusted: true, trust: 0, source: result.tool };
    const isOrder = result.orders.some(({ text }) => holds(text, value)) && !holds(result.rest, value);
    if (isOrder) inOrder = true;
    else inData = true;
    named ||= result.named;
    trust = Math.max(trust, TRUST[result.trust]);
    source ??= result.tool;
  }
  return { inOrder, inData, named, isTrusted: false, trust: source === undefined ? 1 : trust, source };
}
