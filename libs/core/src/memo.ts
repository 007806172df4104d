/**
 * A pure function that remembers what it answered, for texts that come again and again, such as verbs and patterns.
 * Bounded: when it is full it forgets all at once, which costs less than to know what is oldest.
 */
export function remembered<T extends object | string | number | null>(
  f: (text: string) => T,
  most: number,
): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const answer = known.get(text);
    if (answer !== undefined) return answer;
    if (known.size >= most) known.clear();
    const fresh = f(text);
    known.set(text, fresh);
    return fresh;
  };
}
