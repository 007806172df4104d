/** Describes the first difference between two JSON values; undefined if they are equal. Ignores the order of members. */
export function difference(one: unknown, other: unknown, at = ''): string | undefined {
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null)
    return Object.is(one, other) ? undefined : `${at || 'the value'} is ${shown(one)} and ${shown(other)}`;
  const [left, right] = [one as Record<string, unknown>, other as Record<string, unknown>];
  for (const key of new Set([...Object.keys(left), ...Object.keys(right)])) {
    const found = difference(left[key], right[key], at === '' ? key : `${at}.${key}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 300);
