import { bold, dim } from '@bailiwick/cli/render';
import { compare } from './rounds';

/** One line of `--json`. `ratio` is ours divided by theirs; null if `against` is null. */
export interface Figure {
  readonly bench: string;
  readonly metric: string;
  readonly value: number;
  readonly unit: string;
  readonly against: string | null;
  readonly ratio: number | null;
}

/** Prints each figure as soon as it is measured, because a benchmark takes minutes. */
export class Report {
  constructor(
    private readonly bench: string,
    private readonly json: boolean,
    private readonly print: (line: string) => void,
  ) {}

  note(text: string): void {
    if (!this.json) this.print(dim(text));
  }

  /** Prints a comparison of rounds that were measured in turns. */
  against(metric: string, unit: string, contender: string, ours: readonly number[], theirs: readonly number[]): void {
    const { value, spread, theirs: other, ratio, ratios } = compare(ours, theirs);
    this.figure(
      { metric, value, unit, against: contender, ratio },
      `${range(spread)}; ${contender} ${short(other)}; ratio ${short(ratio)} ${range(ratios)}`,
    );
  }

  alone(metric: string, unit: string, value: number, note = ''): void {
    this.figure({ metric, value, unit, against: null, ratio: null }, note);
  }

  private figure(figure: Omit<Figure, 'bench'>, note: string): void {
    if (this.json) this.print(JSON.stringify({ bench: this.bench, ...figure } satisfies Figure));
    else this.print(`${bold(`${figure.metric} ${short(figure.value)} ${figure.unit}`.padEnd(44))} ${note}`);
  }
}

const range = ([least, most]: readonly [number, number]): string => `(${short(least)}–${short(most)})`;

export function short(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}
