/** Words that state an operation of reading, which part of something is read, or by what it is found. */
const NOT_AN_OBJECT = new Set(
  `get read list search find fetch show view browse lookup query describe check all any my own day current recent most
   latest last new next received sent unread draft in for of from to the on with`
    .trim()
    .split(/\s+/),
);

/**
 * Returns the words of a verb that name what it is about, in one order and without a plural: `search_files_by_filename` and
 * `list_files` are about `file`. Empty if no word is left.
 */
export function objectOf(verb: string): string {
  const words = verb.split(/[._-]+/);
  const by = words.indexOf('by');
  const object = (by > 0 ? words.slice(0, by) : words)
    .filter((word) => !NOT_AN_OBJECT.has(word))
    .map((word) => word.replace(/s$/, ''));
  return [...new Set(object)].sort().join(' ');
}

/** Returns the verbs that are about the same as one of the others: other ways to read what these read. */
export function alternativesTo(others: readonly string[], verbs: readonly string[]): Set<string> {
  const objects = new Set(others.map(objectOf).filter((each) => each !== ''));
  return new Set(verbs.filter((verb) => objects.has(objectOf(verb))));
}
