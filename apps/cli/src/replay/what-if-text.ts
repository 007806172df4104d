import type { Difference, Kinds, ReplayAnswer } from '@bailiwick/contracts/replay/replay';
import type { Reason } from '@bailiwick/contracts/reason';
import { bold, dim, green, plain, red, table, yellow } from '../render';

/** Formats a what-if: totals, counts by class, verb and tree, each difference with its reason, and the assumptions. */
export function whatIfText(answer: ReplayAnswer): string {
  const { from, to, log, decided, differ, byKind, differences } = answer;
  const sum = `${log}, positions ${from} to ${to}: ${decided} decisions recomputed, ${bold(`${differ} differ`)}`;
  const others = Object.values(byKind).reduce((total, each) => total + each, 0) - differ;
  const parts = [
    sum + (others > 0 ? `, and ${others} leases change` : ''),
    ...(Object.keys(byKind).length > 0 ? [kindsTable('what', { all: byKind })] : []),
    ...groups('class', answer.byAgentClass),
    ...groups('verb', answer.byVerb),
    ...groups('tree', answer.byTree),
    ...(differences.length > 0 ? [differences.map(differenceText).join('\n')] : []),
    ...notes(answer),
  ];
  return parts.join('\n\n');
}

const arrow = (kind: string): string => kind.replace('->', ' → ');

function groups(name: string, all: Readonly<Record<string, Kinds>>): string[] {
  return Object.keys(all).length > 0 ? [kindsTable(name, all)] : [];
}

function kindsTable(name: string, all: Readonly<Record<string, Kinds>>): string {
  const kinds = [...new Set(Object.values(all).flatMap((each) => Object.keys(each)))].sort();
  const rows = Object.entries(all).map(([key, each]) => [key, ...kinds.map((kind) => String(each[kind] ?? ''))]);
  return table([name, ...kinds.map(arrow)], rows);
}

function differenceText(each: Difference): string {
  const paint = /deny|refused|suspended$|falls/.test(each.kind.split('->')[1] ?? '')
    ? red
    : each.kind.endsWith('step-up')
      ? yellow
      : green;
  const head = `${String(each.position).padStart(7)} ${dim(each.time)} ${paint(arrow(each.kind))}`;
  if (each.about === 'grant')
    return `${head}  ${plain(each.agentClass ?? '')} ${dim(each.grantId ?? '')}\n          ${plain(each.why)}`;
  const why = [
    ...(each.why === undefined ? [] : [each.why]),
    ...leaves(each.after.reasons).map((reason) => `now: ${reason.message}`),
    ...leaves(each.before.reasons).map((reason) => `was: ${reason.message}`),
  ];
  return `${head}  ${bold(plain(each.verb))} by ${plain(each.agentClass)} ${dim(each.actionId)}${why.map((text) => `\n          ${plain(text)}`).join('')}`;
}

/** Returns the objections without the grants above them. */
function leaves(reasons: readonly Reason[]): Reason[] {
  return reasons
    .filter((reason) => reason.outcome !== 'permit')
    .flatMap((reason) => (reason.reasons?.length ? leaves(reason.reasons) : [reason]));
}

function notes({ truncated, next, outcomesFallenAway, undecidable, assumes }: ReplayAnswer): string[] {
  const lines = [
    ...(truncated ? [`more decisions differ than are shown; for the next page use "after": ${next}`] : []),
    ...(outcomesFallenAway > 0 ? [`${outcomesFallenAway} outcomes are dropped with their calls`] : []),
    ...(undecidable > 0 ? [`${undecidable} refusals could not be recomputed: their requests are not recorded`] : []),
    ...assumes.map((text) => dim(`* ${text}`)),
  ];
  return lines.length > 0 ? [lines.join('\n')] : [];
}
