import {
  OBLIGATION_KINDS,
  type Obligation,
  type ObligationKind,
  type ScopedObligation,
} from '@bailiwick/contracts/obligations/obligation';

/** Returns an obligation without the verbs that it is for. */
export function unscoped({ actions: _, ...rest }: ScopedObligation): Obligation {
  return rest;
}

/**
 * Combines obligations: all of them must be fulfilled. Those of one kind become the stricter one, which is the union of
 * fields and the least number of rows; others that differ are all kept. The result has each once, in a fixed order.
 */
export function combined(all: readonly Obligation[]): Obligation[] {
  const found = new Map<string, Obligation>();
  for (const each of all) {
    const key = keyOf(each);
    const known = found.get(key);
    found.set(key, known === undefined ? inOrder(each) : stricter(known, each));
  }
  return [...found.values()].sort(byKind);
}

/** Obligations with one key become one. */
function keyOf(each: Obligation): string {
  if (each.kind === 'watermark') return `watermark ${each.text}`;
  if (each.kind === 'custom') return `custom ${JSON.stringify([each.name, each.value ?? null])}`;
  return each.kind;
}

const inOrder = (each: Obligation): Obligation =>
  'fields' in each ? { ...each, fields: [...new Set(each.fields)].sort() } : each;

function stricter(a: Obligation, b: Obligation): Obligation {
  if ('fields' in a && 'fields' in b) return inOrder({ ...a, fields: [...a.fields, ...b.fields] });
  if (a.kind === 'max_rows' && b.kind === 'max_rows') return { kind: 'max_rows', rows: Math.min(a.rows, b.rows) };
  return a;
}

const RANK = new Map<ObligationKind, number>(OBLIGATION_KINDS.map((kind, i) => [kind, i]));
function byKind(a: Obligation, b: Obligation): number {
  const rank = (RANK.get(a.kind) ?? 0) - (RANK.get(b.kind) ?? 0);
  if (rank !== 0) return rank;
  const [one, other] = [keyOf(a), keyOf(b)];
  return one < other ? -1 : Number(one > other);
}

/** Reports whether an obligation fulfills another one: doing the first includes the second. */
export function fulfills(a: Obligation, b: Obligation): boolean {
  if (a.kind !== b.kind) return false;
  if ('fields' in a && 'fields' in b) {
    const own = new Set(a.fields);
    return b.fields.every((each) => own.has(each));
  }
  if (a.kind === 'max_rows' && b.kind === 'max_rows') return a.rows <= b.rows;
  return keyOf(a) === keyOf(b);
}

/** Reports whether obligations contain all others, or stricter ones. */
export const containsAll = (all: readonly Obligation[], others: readonly Obligation[]): boolean =>
  others.every((other) => all.some((each) => fulfills(each, other)));
