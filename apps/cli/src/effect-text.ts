import type { PointsAnswer, PointView } from '@bailiwick/contracts/enforcement/points';
import { bold, dim, green, plain, red, yellow } from './render';

interface Row {
  readonly cells: readonly [string, string, string, string];
  readonly state: string;
  readonly paint: (text: string) => string;
}

const HEAD = ['enforcement point', 'in effect after', 'in flight', 'aborted'] as const;

/** Describes where an event is in effect: a line for each point, and one sentence that says whether all of them confirmed it. */
export function effectText(answer: PointsAnswer): string {
  const tokens =
    answer.tokensEndBy === undefined
      ? []
      : [dim(`tokens of single calls that were issued before end by ${answer.tokensEndBy.slice(11, 19)} UTC`)];
  return [...lines(answer, HEAD, after), '', verdict(answer), ...tokens].join('\n');
}

/** Describes what enforces a log, and up to which position. */
export function pointsText(answer: PointsAnswer): string {
  const head = ['enforcement point', 'enforces up to', 'in flight', 'aborted'];
  const end = answer.confirmed ? green(`all of ${answer.log} is enforced, up to ${answer.position}`) : verdict(answer);
  return [...lines(answer, head, ({ epoch }) => (epoch === undefined ? '–' : String(epoch))), '', end].join('\n');
}

function lines({ items }: PointsAnswer, head: readonly string[], about: (point: PointView) => string): string[] {
  const rows = items.map((point) => rowOf(point, about(point)));
  const widths = head.map((each, i) => Math.max(each.length, ...rows.map(({ cells }) => (cells[i] as string).length)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
      .join('  ');
  return [
    dim(`   ${line(head)}`),
    ...rows.map(({ cells, state, paint }) => `${paint(state)}  ${line(cells)}`),
    ...items.flatMap(troubleOf),
  ];
}

const after = ({ state, kind, afterMs }: PointView): string =>
  state !== 'enforces' ? 'not confirmed' : kind === 'owner' ? 'at once' : afterMs === undefined ? 'yes' : ms(afterMs);

function rowOf({ name, state, inFlight, aborted }: PointView, about: string): Row {
  return {
    cells: [plain(name), about, count(inFlight), count(aborted)],
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
  const points = items.length === 1 ? 'the only enforcement point' : `all ${items.length} enforcement points`;
  return green(bold(`in effect at ${points}`)) + (slowest > 0 ? `, ${ms(slowest)} after the event` : '');
}
