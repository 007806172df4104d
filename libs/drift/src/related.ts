import type { Call, RunHistory } from './memory';
import { holds } from './values';
import { contentWords, normalize } from './words';

/**
 * Reports whether a resource is related to the goal: at least half of the words of one segment of its id (folder, page,
 * host) occur in the goal, or the goal contains the whole id.
 */
export function isRelated(run: RunHistory, call: Call): boolean {
  const id = call.resource.id;
  for (const { text, words } of [run.own, run.delegated]) {
    if (text === '') continue;
    if (holds(text, normalize(id))) return true;
    // the scheme of a URL states nothing: every goal that contains another URL has it, too
    for (const segment of id.replace(/^https?:\/\//, '').split(/[/:?#&]+/)) {
      const found = contentWords(segment.replace(/\.[\p{L}\p{N}]{1,10}$/u, ''));
      const shared = [...found].filter((word) => words.has(word)).length;
      if (shared > 0 && shared * 2 >= found.size) return true;
    }
  }
  return false;
}
