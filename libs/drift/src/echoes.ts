import { HANDED, near, type Asked } from './asked';
import type { History, Returned } from './memory';
import type { Order } from './orders';
import { certainty, TRUST } from './origins';
import { holds } from './values';

/** How far a call carries out one order in a result. Every amount is 0..1, and without what the goal asks for itself. */
export interface Echo {
  /** its targets or its words occur in the order */
  readonly echo: number;
  /** and the order names what it does */
  readonly full: number;
  /** all of its targets occur in the order, and the order names what it does */
  readonly whole: number;
  /** the order names what it does by the words of its verb */
  readonly verb: number;
  /** the order is in the newest result */
  readonly newest: boolean;
  readonly order?: Order | undefined;
  readonly source?: string | undefined;
}
const NONE: Echo = { echo: 0, full: 0, whole: 0, verb: 0, newest: false };

/** Words of a call that may occur in an order by chance: fewer than this count less. */
const SURE_WORDS = 3;

/** Finds the order that a call carries out most. */
export function echoOf({ results }: History, asked: Asked): Echo {
  let best = NONE;
  let most = 0;
  for (const [index, result] of results.entries()) {
    if (TRUST[result.trust] === 0) continue;
    for (const order of result.orders) {
      const found = compare(asked, result, order);
      const strength = found.echo * 0.3 + found.full * 0.7 + found.verb * 0.3;
      if (strength <= most) continue;
      most = strength;
      best = { ...found, newest: index === results.length - 1 };
    }
  }
  return best;
}

function compare(asked: Asked, result: Returned, order: Order): Echo {
  const { foreign, texts, verbWords, foreignVerbWords, does } = asked;
  let [strongest, targets, matched] = [0, 0, 0];
  for (const value of foreign) {
    if (texts.has(value.path)) continue;
    targets += 1;
    if (!holds(order.text, value.text)) continue;
    matched += 1;
    strongest = Math.max(strongest, certainty(value));
  }
  const verb =
    foreignVerbWords.length === 0
      ? 0
      : foreignVerbWords.filter((word) => near(order.words, word)).length / verbWords.length;
  const family = order.families.some((each) => does.families.has(each)) ? 1 : 0;
  const words = asked.argumentWords.foreign;
  const shared = words.length === 0 ? 0 : words.filter((word) => order.words.has(word)).length / words.length;
  const same = Math.max(family * 0.7, Math.min(1, verb * 1.5));
  const target = Math.max(strongest, shared * Math.min(1, words.length / SURE_WORDS));
  const counts = TRUST[result.trust] * (order.handed ? HANDED : 1);
  return {
    echo: target * (0.3 + 0.7 * same) * counts,
    full: target * same * counts,
    whole: (targets > 0 && matched === targets ? same : 0) * counts,
    verb: (verb > 0 ? Math.min(1, family * 0.4 + verb) : 0) * counts,
    newest: false,
    order,
    source: result.tool,
  };
}
