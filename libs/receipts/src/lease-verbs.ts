import type { Limits } from '@bailiwick/contracts/grants/grant';

// Shares no code with the rules that decide (`libs/authority`), so that verifying a receipt also checks those rules.

type Pattern = readonly string[];

/** Reports whether a lease with these limits could use a verb. Any other name is no verb. */
export function couldUse({ actions, resources, permissions, deny = [] }: Limits, verb: string): boolean {
  if (!/^[a-z0-9_-]+(\.[a-z0-9_-]+)*$/.test(verb)) return false;
  const covers = (pattern: string): boolean => matchesVerb(pattern, verb);
  // `**` is every relative name, and no absolute path and no address
  const isDeniedEverywhere =
    resources.every(({ match }) => !/^(https?:\/)?\//.test(match)) &&
    deny.some(
      (pair) =>
        pair.actions.some(covers) &&
        pair.resources.some(
          ({ type, match, where = {} }) => type === '*' && match === '**' && Object.keys(where).length === 0,
        ),
    );
  if (isDeniedEverywhere || (permissions && !permissions.some((entry) => entry.actions.some(covers)))) return false;
  return actions.allow.some(covers) && !actions.deny.some(covers);
}

/** `*` is one segment, `**` zero or more; a `*` at the end is one or more. Takes time proportional to the product of both lengths. */
export function matchesVerb(pattern: string, verb: string): boolean {
  const parts = verb.split('.');
  // reached[i]: the pattern read so far matches the first i segments of the verb
  let reached = [true, ...parts.map(() => false)];
  for (const segment of matchesVerb.segments(pattern)) {
    reached =
      segment === '**'
        ? reached.map((_, i) => reached.slice(0, i + 1).includes(true))
        : reached.map((_, i) => i > 0 && reached[i - 1] === true && (segment === '*' || segment === parts[i - 1]));
  }
  return reached[parts.length] === true;
}
matchesVerb.segments = (pattern: string): Pattern => {
  const segments = pattern.split('.');
  return segments.at(-1) === '*' ? [...segments, '**'] : segments;
};

/** Reports whether some name matches both patterns: each row of the table is a rest of `a`, each column one of `b`. */
export function sharesName(a: Pattern, b: Pattern): boolean {
  let below: boolean[] = [];
  for (let i = a.length; i >= 0; i--) {
    const row: boolean[] = [];
    for (let j = b.length; j >= 0; j--) {
      const [x, y] = [a[i], b[j]];
      if (x === undefined && y === undefined) row[j] = true;
      else if (x === '**' || y === '**')
        row[j] =
          (x === '**' && below[j] === true) ||
          (y === '**' && row[j + 1] === true) ||
          (x === '**' && y !== undefined && row[j + 1] === true) ||
          (y === '**' && x !== undefined && below[j] === true);
      else row[j] = x !== undefined && y !== undefined && sharesText(x, y) && below[j + 1] === true;
    }
    below = row;
  }
  return below[0] === true;
}

/** The same for two segments, in which each `*` is any text: a table over their characters. */
function sharesText(x: string, y: string): boolean {
  if (x === '*' || y === '*' || x === y) return true;
  if (!x.includes('*') && !y.includes('*')) return false;
  let below: boolean[] = [];
  for (let i = x.length; i >= 0; i--) {
    const row: boolean[] = [];
    for (let j = y.length; j >= 0; j--) {
      const [a, b] = [x[i], y[j]];
      row[j] =
        (a === undefined && b === undefined) ||
        (a === '*' && (below[j] === true || (b !== undefined && row[j + 1] === true))) ||
        (b === '*' && (row[j + 1] === true || (a !== undefined && below[j] === true))) ||
        (a !== undefined && a === b && below[j + 1] === true);
    }
    below = row;
  }
  return below[0] === true;
}

/**
 * Reports whether a pattern lies within another as its segments show it: a `*` of the outer one takes any one segment, a
 * `**` any number, and every other segment only itself.
 */
export function withinPattern(inner: Pattern, outer: Pattern): boolean {
  // row[i]: the rest of `inner` from i lies within the rest of `outer`; from the last segment of `outer` to the first
  let row = [...inner.map(() => false), true];
  for (const segment of outer.toReversed()) {
    const below = row;
    row = [];
    for (let i = inner.length; i >= 0; i--) {
      const next = inner[i];
      row[i] =
        segment === '**'
          ? below[i] === true || row[i + 1] === true
          : next !== undefined && (next === segment || (segment === '*' && next !== '**')) && below[i + 1] === true;
    }
  }
  return row[0] === true;
}
