import type { Call, RunHistory } from './memory';
import { holds } from './values';
import { contentWords, normalize } from './words';

/**
 * Whether the goal has anything to do with a resource: some segment of its id (folder, page, host) is mostly made of
 * the goal's own words, or the goal names it outright.
 */
export function isRelated(run: RunHistory, call: Call): boolean {
  const id = call.resource.id;
  for (const { text, words } of [run.own, run.delegated]) {
    if (text === '') continue;
    if (holds(text, normalize(id))) return true;
    for (const segment of id.split(/[/:?#&]+/)) {
      const said = contentWords(segment.replace(/\.[\p{L}\p{N}]{1,10}$/u, ''));
      const shared = [...said].filter((word) => words.has(word)).length;
      if (shared > 0 && shared * 2 >= said.size) return true;
    }
  }
  return false;
}
