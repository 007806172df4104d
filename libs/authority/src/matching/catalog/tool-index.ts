import { nameKey } from '@bailiwick/core/look-alike';
import { matchesLike } from '../like';

interface Ranked<T> {
  readonly glob: string;
  readonly of: T;
  readonly rank: number;
}

/** Returns the form in which names and patterns of tools are compared: without regard to case, spaces and look-alikes. */
export const toolKey = nameKey;

/**
 * Finds what a catalog states about a tool by its name. Exact names precede patterns, and patterns with more text
 * precede those with less; then the order of the bundle counts. Patterns are found by the text before their first `*`.
 */
export class ToolIndex<T> {
  private readonly exact = new Map<string, T>();
  private readonly byPrefix = new Map<string, Ranked<T>[]>();
  /** lengths of these prefixes, each once */
  private readonly lengths: readonly number[];

  constructor(patterns: readonly { readonly tool: string; readonly of: T }[]) {
    const keyed = patterns.map(({ tool, of }) => ({ glob: toolKey(tool), of }));
    for (const { glob, of } of keyed) if (!glob.includes('*') && !this.exact.has(glob)) this.exact.set(glob, of);
    const ranked = keyed
      .filter(({ glob }) => glob.includes('*'))
      .toSorted((a, b) => textOf(b.glob).length - textOf(a.glob).length)
      .map((each, rank): Ranked<T> => ({ ...each, rank }));
    for (const each of ranked) {
      const prefix = each.glob.slice(0, each.glob.indexOf('*'));
      this.byPrefix.set(prefix, [...(this.byPrefix.get(prefix) ?? []), each]);
    }
    this.lengths = [...new Set([...this.byPrefix.keys()].map((prefix) => prefix.length))];
  }

  /** Returns what the name stands for, and whether an exact name or a pattern states it. */
  find(tool: string): { readonly of: T; readonly isExact: boolean } | undefined {
    const key = toolKey(tool);
    const exact = this.exact.get(key);
    if (exact !== undefined) return { of: exact, isExact: true };
    let best: Ranked<T> | undefined;
    for (const length of this.lengths) {
      if (length > key.length) continue;
      const found = this.byPrefix.get(key.slice(0, length))?.find(({ glob }) => matchesLike(glob, key));
      if (found && (best === undefined || found.rank < best.rank)) best = found;
    }
    return best && { of: best.of, isExact: false };
  }
}

/** The text of a pattern without its wildcards. */
export const textOf = (glob: string): string => glob.replaceAll('*', '');
