import type { PointsAnswer, PointView } from '@bailiwick/contracts/enforcement/points';
import { bold, dim, green, plain, red, yellow } from './render';

interface Row {
  readonly cells: readonly string[];
  readonly state: string;
  readonly paint: (text: string) => string;
}

const HEAD = ['enforcement point', 'in effect after', 'in flight', 'aborted'] as const;

const LEFT: ReadonlySet<unknown> = new Set(['enforcement point', 'process']);

/** Reports whether a point is still to confirm. One that is gone has nothing to stop. */
export const isPending = ({ state }: PointView): boolean => state !== 'enforces' && state !== 'gone';

/** Describes where an event is in effect: a line for each point, and one sentence whether all of them confirmed it. */
export function effectText(answer: PointsAnswer): string {
  const tokens =
    answer.tokensEndBy === undefined
      ? []
      : [dim(`tokens of calls that were permitted before expire by ${answer.tokensEndBy.slice(11, 19)} UTC`)];
  return [...lines(answer, HEAD, after), '', verdict(answer), ...troubles(answer), ...tokens].join('\n');
}

/** Describes what enforces a log, and up to which position. */
export function pointsText(answer: PointsAnswer): string {
  const head = ['enforcement point', 'enforces up to', 'in flight', 'aborted'];
  const end = answer.confirmed
    ? [green(`all of ${answer.log} is enforced, up to ${answer.position}`), ...troubles(answer)]
    : [verdict(answer), ...troubles(answer)];
  const upTo = ({ epoch }: PointView): string => (epoch === undefined ? '–' : String(epoch));
  return [...lines(answer, head, upTo), '', ...end].join('\n');
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
  return [dim(`   ${line(head)}`), ...rows.map(({ cells, state, paint }) => `${paint(state)}  ${line(cells)}`)];
}

function after({ state, kind, afterMs }: PointView): string {
  if (state === 'gone') return 'gone';
  if (state !== 'enforces') return 'not confirmed';
  if (kind === 'owner') return 'at once';
  return afterMs === undefined ? 'yes' : ms(afterMs);
}

function rowOf({ name, state, inFlight, aborted, process = '' }: PointView, about: string, shown: boolean): Row {
  return {
    cells: [plain(name), about, count(inFlight), count(aborted), ...(shown ? [plain(process)] : [])],
    ...(MARKS[state] ?? { state: '✗', paint: red }),
  };
}

const MARKS: Partial<Record<PointView['state'], Pick<Row, 'state' | 'paint'>>> = {
  enforces: { state: '✓', paint: green },
  behind: { state: '…', paint: yellow },
  gone: { state: '–', paint: dim },
};

const count = (number: number | undefined): string => (number === undefined ? '–' : String(number));

/** Writes a duration so that a person can compare it at a glance. */
export const ms = (value: number): string =>
  value < 1_000 ? `${Math.round(value)} ms` : `${Number((value / 1_000).toFixed(1))} s`;

/** States what each point does that has not confirmed, and what to do about it. */
function troubles({ items, confirmed, settlingMs }: PointsAnswer): string[] {
  const gone = items.filter(({ state }) => state === 'gone').flatMap(troubleOf);
  if (confirmed) return gone.length > 0 ? ['', ...gone] : [];
  const isDecided = items.some(({ kind, state }) => kind === 'owner' && state === 'enforces');
  return [
    '',
    ...(settlingMs === undefined ? [] : settling(settlingMs)),
    ...items.flatMap((point) => (point.state === 'enforces' ? [] : troubleOf(point))),
    ...(isDecided ? ['No new call of what was stopped is permitted: the owner of the log enforces it.'] : []),
  ];
}

function troubleOf({ name, kind, state, process, silentMs = 0, boundMs = 0 }: PointView): string[] {
  const where = process === undefined ? '' : ` (${plain(process)})`;
  const [does = '', ...more] = kind === 'owner' ? OWNER : whatIsKnown(state, ms(silentMs), ms(boundMs));
  return [`${yellow('!')}  ${bold(plain(name))}${where} ${does}`, ...more.map((line) => `   ${line}`), ''];
}

const OWNER = ['does not answer.', 'Until it does, no call of this log is permitted. See: bailiwick status'];

function whatIsKnown(state: PointView['state'], silent: string, bound: string): string[] {
  if (state === 'gone')
    return [
      `has not reported for ${silent}, and is taken for gone.`,
      'It makes no call before it hears the log again. Those that it had made are past their time limit.',
    ];
  if (state === 'silent')
    return [
      `has been silent for ${silent}.`,
      `Without the feed it aborts its calls after ${bound}.`,
      'If you cannot see that it did, stop that process.',
    ];
  if (state === 'closed')
    return ['cannot hear the log.', `It lets nothing pass, and aborts its calls after ${bound}. See: bailiwick status`];
  return ['reports, and has not confirmed in time.', 'Ask again with: bailiwick points'];
}

function verdict(answer: PointsAnswer): string {
  const { items, confirmed } = answer;
  if (!confirmed) return unconfirmed(answer);
  const { length: count } = items.filter(({ state }) => state !== 'gone');
  const slowest = Math.max(0, ...items.map(({ afterMs = 0 }) => afterMs));
  const aborted = items.reduce((sum, each) => sum + (each.aborted ?? 0), 0);
  return [
    green(bold(`in effect at ${count} of ${count} enforcement points`)),
    ...(slowest > 0 ? [`${ms(slowest)} after the event`] : []),
    ...(aborted > 0 ? [`${aborted} ${aborted === 1 ? 'call' : 'calls'} in flight aborted`] : []),
  ].join(', ');
}

function unconfirmed({ items, overflow, leftOut = [], position, log }: PointsAnswer): string {
  const pending = items.filter(isPending).length;
  const at = dim(` (${log}:${position})`);
  if (overflow) return red(bold(`NOT CONFIRMED: ${tooMany(leftOut)}`)) + at;
  const by =
    pending > 0
      ? `NOT CONFIRMED by ${pending} of ${items.filter(({ state }) => state !== 'gone').length} enforcement points`
      : 'NOT CONFIRMED: the gateway may not know every enforcement point yet';
  return red(bold(by)) + at;
}

const NAMED = 8;
function tooMany(leftOut: readonly string[]): string {
  const named = leftOut.slice(0, NAMED).map(plain);
  const others = leftOut.length > NAMED ? ` and ${leftOut.length - NAMED} others` : '';
  return `more enforcement points report than can be listed; not listed: ${named.join(', ')}${others}`;
}

const settling = (ms: number): string[] => [
  `${yellow('!')}  The gateway has just started or reconnected, and may not have heard of every enforcement point.`,
  `   Ask again in ${Math.ceil(ms / 1_000)} s with: bailiwick points`,
  '',
];
