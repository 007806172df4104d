import { LIMITS } from '#kernel/limits';
import { closure } from './pattern';

/** Stands for every segment that no pattern names: to the patterns they are all alike. */
const OTHER = Symbol('any other segment');

/**
 * Is every name that `child` matches matched by some of `parents`? Exact, for unions too: both sides are automata over
 * the segments that are named plus one that stands for all others; a reachable pair in which the child accepts and no
 * parent does is a counterexample. The search is bounded; beyond the bound the answer is no (I11).
 * @see Hopcroft, Motwani, Ullman: Introduction to Automata Theory, §4.3 (emptiness of L(child) − L(parents))
 */
export function includes(parents: readonly (readonly string[])[], child: readonly string[]): boolean {
  const alphabet = new Set<string | typeof OTHER>([OTHER]);
  for (const pattern of [child, ...parents]) for (const token of pattern) if (token !== '*' && token !== '**') alphabet.add(token);

  const start: Pair = { child: closure(child, new Set([0])), parents: parents.map((parent) => closure(parent, new Set([0]))) };
  const seen = new Set([keyOf(start)]);
  const queue = [start];
  for (let pair = queue.pop(); pair; pair = queue.pop()) {
    if (pair.child.has(child.length) && !pair.parents.some((states, i) => states.has((parents[i] as string[]).length))) return false;
    for (const symbol of alphabet) {
      const stepped = step(child, pair.child, symbol);
      if (stepped.size === 0) continue;
      const next: Pair = { child: stepped, parents: pair.parents.map((states, i) => step(parents[i] as string[], states, symbol)) };
      const key = keyOf(next);
      if (seen.has(key)) continue;
      if (seen.size >= LIMITS.inclusionStates) return false;
      seen.add(key);
      queue.push(next);
    }
  }
  return true;
}

interface Pair {
  readonly child: Set<number>;
  readonly parents: readonly Set<number>[];
}

const keyOf = (pair: Pair): string => [pair.child, ...pair.parents].map((states) => [...states].sort((a, b) => a - b).join(',')).join('|');

function step(pattern: readonly string[], states: ReadonlySet<number>, symbol: string | typeof OTHER): Set<number> {
  const next = new Set<number>();
  for (const i of states) {
    const token = pattern[i];
    if (token === '**') next.add(i);
    else if (token !== undefined && (token === '*' || token === symbol)) next.add(i + 1);
  }
  return closure(pattern, next);
}
