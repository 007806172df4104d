import type { Used } from './budgets';
import type { Verdict } from './verdict';

// The parts of a human-readable receipt, independent of its format.

/** A line with lines below it. */
export interface Branch {
  readonly text: string;
  readonly below: readonly Branch[];
}
export type Block =
  | { readonly kind: 'heading'; readonly text: string; readonly level: 2 | 3 }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'facts'; readonly rows: readonly (readonly [string, string])[] }
  | { readonly kind: 'table'; readonly head: readonly string[]; readonly rows: readonly (readonly string[])[] }
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'tree'; readonly roots: readonly Branch[] }
  | { readonly kind: 'budgets'; readonly rows: readonly Used[] }
  | { readonly kind: 'verification'; readonly verdict: Verdict };

export interface Document {
  readonly title: string;
  readonly blocks: readonly Block[];
}

export const heading = (text: string): Block => ({ kind: 'heading', text, level: 2 });
/** Returns nothing if the section would be empty. */
export const section = (title: string, present: boolean, ...blocks: Block[]): Block[] =>
  present ? [heading(title), ...blocks] : [];
export const text = (words: string): Block => ({ kind: 'text', text: words });
