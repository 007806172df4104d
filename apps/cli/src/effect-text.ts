import type { PointsAnswer, PointView } from '@bailiwick/contracts/enforcement/points';
import { bold, dim, green, plain, red, yellow } from './render';

interface Row {
  readonly cells: readonly string[];
  readonly state: string;
  readonly paint: (text: string) => string;
}

const HEAD = ['enforcement point', 'in effect after', 'in flight', 'aborted'] as const;

const LEFT: ReadonlySet<unknown> = new Set(['enforcement point', 'process']);

/** Describes where an event is in effect: a line for each point, and one sentence that says whether all of them confirmed it. */
export function effectText(answer: PointsAnswer): string {
  const tokens =
    answer.tokensEndBy === undefined
      ? []
      : [
          dim(
            `tools accept tokens of calls permitted before until ${answer.tokensEndBy.slice(11, 19)} UTC at the latest`,
          ),
        ];
  return [...lines(answer, HEAD, after), '', verdict(answer), ...tokens].join('\n');
}

/** Describes what enforces a log, and up to which position. */
export function pointsText(answer: PointsAnswer): string {
  const head = ['enforcement point', 'enforces up to', 'in flight', 'aborted'];
  const end = answer.confirmed ? green(`all of ${answer.log} is enforced, up to ${answer.position}`) : verdict(answer);
  return [...lines(answer, head, ({ epoch }) => (epoch === undefined ? '–' : String(epoch))), '', end].join('\n');
}

function lines({ items }: PointsAnswer, columns: readonly string[], about: (point: PointView) => string): string[] {
  const shown = items.some((point) => point.process !== undefined);
  const head = shown ? [...columns, 'process'] : columns;
  const rows = items.map((point) => rowOf(point, about(point), shown));
  const widths = head.map((each, i) => Math.max(each.length, ...rows.map(({ cells }) => (cells[i] as string).length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (LEFT.has(head[i]) ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
      .join('  ')
      .trimEnd();
  return [
    dim(`   ${line(head)}`),
    ...rows.map(({ cells, state, paint }) => `${paint(state)}  ${line(cells)}`),
    ...items.flatMap(troubleOf),
  ];
}

const after = ({ state, kind, afterMs }: PointView): string =>
  state !== 'enforces' ? 'not confirmed' : kind === 'owner' ? 'at once' : afterMs === undefined ? 'yes' : ms(afterMs);

function rowOf({ name, state, inFlight, aborted, process = '' }: PointView, about: string, shown: boolean): Row {
  return {
    cells: [plain(name), about, count(inFlight), count(aborted), ...(shown ? [plain(process)] : [])],
    state: state === 'enforces' ? '✓' : state === 'behind' ? '…' : '✗',
    paint: state === 'enforces' ? green : state === 'behind' ? yellow : red,
  };
}

const count = (number: number | undefined): string => (number === undefined ? '–' : String(number));

/** Writes a duration so that a person can compare it at a glance. */
export const ms = (value: number): string =>
  value < 1_000 ? `${Math.round(value)} ms` : `${Number((value / 1_000).toFixed(1))} s`;

/** Says what a point that has not confirmed does, and what to do about it. */
function troubleOf({ name, kind, state, silentMs = 0, boundMs = 0 }: PointView): string[] {
  if (state === 'enforces') return [];
  const bound = ms(boundMs);
  const says = {
    silent:
      kind === 'owner'
        ? 'does not answer, so that no call is permitted; see bailiwick status'
        : `has not reported for ${ms(silentMs)}. Without the feed it aborts its calls by itself after ${bound}: stop that process if you cannot see that it did`,
    closed: `cannot hear the log, lets nothing pass, and has aborted its calls after ${bound}; see bailiwick status`,
    behind: 'reports, and has not confirmed in time; ask again with bailiwick points',
  }[state];
  return [`${yellow('!')}  ${plain(name)} ${says}`];
}

function verdict({ items, confirmed, overflow, position, log }: PointsAnswer): string {
  const pending = items.filter(({ state }) => state !== 'enforces').length;
  if (overflow) return red(bold('NOT CONFIRMED: more enforcement points report than can be listed'));
  if (!confirmed)
    return (
      red(bold(`NOT CONFIRMED by ${pending} of ${items.length} enforcement points`)) + dim(` (${log}:${position})`)
    );
  const slowest = Math.max(0, ...items.map(({ afterMs = 0 }) => afterMs));
  const aborted = items.reduce((sum, each) => sum + (each.aborted ?? 0), 0);
  return [
    green(bold(`in effect at ${items.length} of ${items.length} enforcement points`)),
    ...(slowest > 0 ? [`${ms(slowest)} after the event`] : []),
    ...(aborted > 0 ? [`${aborted} ${aborted === 1 ? 'call' : 'calls'} in flight aborted`] : []),
  ].join(', ');
}
