/**
 * Caches the results of a pure function of texts or numbers that recur, such as verbs and patterns. When the cache is full it is
 * cleared as a whole, which costs less than tracking the oldest entry, and needs no package: the rules import none but zod.
 */
export function remembered<T extends object | string | number | null, K extends string | number = string>(
  f: (key: K) => T,
  most: number,
): (key: K) => T {
  const known = new Map<K, T>();
  return (key) => {
    const answer = known.get(key);
    if (answer !== undefined) return answer;
    if (known.size >= most) known.clear();
    const fresh = f(key);
    known.set(key, fresh);
    return fresh;
  };
}

/** The same for texts of which only the short ones recur; a longer one is computed each time, and takes no memory. */
export function rememberedShort<T extends object | string | number | null>(
  f: (text: string) => T,
  most: number,
  longest: number,
): (text: string) => T {
  const known = remembered(f, most);
  return (text) => (text.length > longest ? f(text) : known(text));
}

/**
 * Caches the result for the last text alone, for a text that is passed many times in a row and may be long: the name of a
 * resource, which one decision compares with many patterns.
 */
export function rememberedLast<T>(f: (text: string) => T): (text: string) => T {
  let last: { readonly text: string; readonly answer: T } | undefined;
  return (text) => {
    if (last?.text === text) return last.answer;
    last = { text, answer: f(text) };
    return last.answer;
  };
}
