import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import { normalizeVerb, normalizeVerbPattern } from '../verbs/verb';
import { keyOf, wordsOf } from '../verbs/verb-words';
import { textOf, toolKey } from './tool-index';

/** A fault in one entry. */
export interface CatalogFault {
  /** index of the entry */
  readonly entry: number;
  /** its member, as in `['match', 0]` */
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** index of an earlier entry that it is in conflict with */
  readonly other?: number;
}

/** Returns every fault that the schema of an entry does not find. */
export function faultsOf(entries: readonly CatalogEntry[]): CatalogFault[] {
  const seen = { verbs: new Map<string, number>(), words: new Map<string, number>(), tools: new Map<string, number>() };
  return entries.flatMap((each, entry) => [
    ...(each.match ?? []).flatMap((text, i) => {
      const fault = patternFault(text, entry, seen);
      return fault ? [{ entry, path: ['match', i], ...fault }] : [];
    }),
    ...(each.tools ?? []).flatMap((text, i) => {
      const fault = toolFault(text, entry, seen.tools);
      return fault ? [{ entry, path: ['tools', i], ...fault }] : [];
    }),
    ...(['verb', 'reversible'] as const).flatMap((member) => {
      const verb = each[member];
      const normal = typeof verb === 'string' ? normalizeVerb(verb) : undefined;
      return normal?.ok === false
        ? [{ entry, path: [member], message: `${quoted(verb as string)} ${normal.error}` }]
        : [];
    }),
  ]);
}

type Fault = Pick<CatalogFault, 'message' | 'other'>;

function patternFault(
  text: string,
  entry: number,
  seen: { readonly verbs: Map<string, number>; readonly words: Map<string, number> },
): Fault | undefined {
  const normal = normalizeVerbPattern(text);
  if (!normal.ok) return { message: `${quoted(text)} ${normal.error}` };
  const same = seen.verbs.get(normal.value);
  if (same !== undefined) return { message: `${normal.value} is also a pattern of ${named(same, entry)}`, other: same };
  seen.verbs.set(normal.value, entry);
  if (normal.value.includes('*')) return undefined;
  const key = keyOf(wordsOf(text));
  const alike = seen.words.get(key);
  if (alike !== undefined && alike !== entry)
    return {
      message: `${normal.value} has the same words as a pattern of ${named(alike, entry)}; other spellings of these words would have two entries`,
      other: alike,
    };
  seen.words.set(key, entry);
  return undefined;
}

function toolFault(text: string, entry: number, seen: Map<string, number>): Fault | undefined {
  const key = toolKey(text);
  if (!/[\p{L}\p{N}]/u.test(textOf(key)))
    return { message: `${quoted(text)} names no tool; write some text of its name` };
  const same = seen.get(key);
  if (same !== undefined) return { message: `${quoted(text)} is also a tool of ${named(same, entry)}`, other: same };
  seen.set(key, entry);
  return undefined;
}

const named = (other: number, entry: number): string => (other === entry ? 'this entry' : 'another entry');
const quoted = (text: string): string => JSON.stringify(text);
