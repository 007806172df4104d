/** Where something is in a bundle; lines and columns start at 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A fault in a bundle, for people. */
export interface Problem extends Place {
  /** members and indices in the file, joined by dots: `catalog.3.effects` */
  readonly path: string;
  readonly message: string;
  /** the nearest known name */
  readonly suggestion?: string;
}

/** `catalog.yaml:12:5: catalog.3.effect: unknown member effect; did you mean effects?` */
export const problemText = ({ file, line, column, path, message, suggestion }: Problem): string =>
  `${file}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}${
    suggestion === undefined ? '' : `; did you mean ${suggestion}?`
  }`;

/** Orders problems by file, line and column. */
export const inOrder = (a: Problem, b: Problem): number =>
  (a.file < b.file ? -1 : Number(a.file > b.file)) || a.line - b.line || a.column - b.column;

/** Returns the known name that is nearest to a misspelled one, if it is near enough to be what its author meant. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: { readonly name: string; readonly distance: number } | undefined;
  const near = Math.max(1, Math.floor(name.length / 3));
  for (const each of known) {
    if (Math.abs(each.length - name.length) > near) continue;
    const distance = distanceOf(name.toLowerCase(), each.toLowerCase());
    if (distance <= near && (best === undefined || distance < best.distance)) best = { name: each, distance };
  }
  return best?.name;
}

/** Counts the letters to add, remove, replace or exchange with their neighbor (optimal string alignment). */
function distanceOf(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  const at = (i: number, j: number): number => rows[i]?.[j] ?? Infinity;
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    rows.push(row);
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(i - 1, j - 1) + Number(a[i - 1] !== b[j - 1]);
      const swapped = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(i - 2, j - 2) + 1 : Infinity;
      row.push(Math.min(at(i, j - 1) + 1, at(i - 1, j) + 1, replaced, swapped));
    }
  }
  return at(a.length, b.length);
}
