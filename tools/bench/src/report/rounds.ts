/** Measures one figure of one contender in one round. */
export type Measure = () => Promise<number>;

export interface Compared {
  /** median of ours */
  readonly value: number;
  /** smallest and largest of ours */
  readonly spread: readonly [number, number];
  readonly theirs: number;
  /** median of the ratios per round, ours over theirs; a disturbance slows both contenders of its round */
  readonly ratio: number;
  readonly ratios: readonly [number, number];
}

/**
 * Measures all contenders in each round, in rotating order, because the speed of a machine varies over time. The first
 * `warmUp` rounds are not counted.
 * @returns the figures of each contender, one per round
 */
export async function byTurns<K extends string>(
  contenders: Record<K, Measure>,
  rounds: number,
  warmUp = 1,
): Promise<Record<K, number[]>> {
  const names = Object.keys(contenders) as K[];
  const figures = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<K, number[]>;
  for (let round = -warmUp; round < rounds; round++) {
    const turn = (round + warmUp) % names.length;
    for (const name of [...names.slice(turn), ...names.slice(0, turn)]) {
      const figure = await contenders[name]();
      if (round >= 0) figures[name].push(figure);
    }
  }
  return figures;
}

export function median(figures: readonly number[]): number {
  const sorted = [...figures].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 === 1 ? (sorted[half] ?? NaN) : ((sorted[half - 1] ?? NaN) + (sorted[half] ?? NaN)) / 2;
}

/** Returns the value below which `share` of the ascending figures lie. */
export const quantile = (ascending: readonly number[], share: number): number =>
  ascending[Math.min(ascending.length - 1, Math.floor(ascending.length * share))] ?? NaN;

export function compare(ours: readonly number[], theirs: readonly number[]): Compared {
  const ratios = ours.map((each, i) => each / (theirs[i] ?? NaN));
  const range = (of: readonly number[]): readonly [number, number] => [Math.min(...of), Math.max(...of)];
  return {
    value: median(ours),
    spread: range(ours),
    theirs: median(theirs),
    ratio: median(ratios),
    ratios: range(ratios),
  };
}
