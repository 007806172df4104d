/**
 * States by key, the one used last at the end, of which a fixed number is kept. `lost` is the newest mark of those that
 * were dropped: since then nothing is known about a key that is not here.
 */
export interface Keyed<S> {
  readonly byKey: Map<string, readonly [mark: number, state: S]>;
  lost?: number;
}

export const emptyKeyed = <S>(): Keyed<S> => ({ byKey: new Map() });

/** Puts the state of a key, and drops the one that was used first if there are too many. */
export function put<S>(keyed: Keyed<S>, key: string, mark: number, state: S, most: number): void {
  const { byKey } = keyed;
  byKey.delete(key);
  byKey.set(key, [mark, state]);
  if (byKey.size <= most) return;
  const [first] = byKey;
  if (!first) return;
  byKey.delete(first[0]);
  keyed.lost = Math.max(keyed.lost ?? 0, first[1][0]);
}

export const isKeyed = (value: unknown): value is Keyed<unknown> =>
  typeof value === 'object' && value !== null && 'byKey' in value;
