import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { costText } from '@bailiwick/core/money';
import { unitsText } from '@bailiwick/core/quantity';
import { askedBy } from '@bailiwick/receipts/render';
import { bold, plain, red, table, yellow } from './render';

type Row = readonly [label: string, text: string];

/** Formats an approval for the approver: the question and everything that the approval would cover. */
export function approvalCard(card: ApprovalView): string {
  const rows: Row[] = [
    ['purpose', card.purpose ?? '(erased)'],
    ['asked by', askedBy(card.requestedBy, card.requestedByStatedBy)],
    ['risk', card.irreversible ? `${card.risk}, cannot be undone` : card.risk],
    ...callRows(card.action),
    ...(card.reason ? each('reason', [card.reason]) : []),
    ...each(
      'refused',
      (card.refusedBefore ?? []).map(
        ({ at, by, what, note }) => `${at} by ${by}: ${what}${note === null ? '' : `: ${note}`}`,
      ),
    ),
    ...each('may', card.may),
    ...each('may not', card.mayNot),
    ...(card.budget === '' ? [] : each('lease', [card.budget])),
    ...each('tried', card.tried),
    ...peopleRows(card),
    statusRow(card),
  ];
  const [before, after] = split(rows, 'arguments');
  return [
    bold(plain(card.asks)),
    '',
    table(undefined, before),
    ...argumentLines(card.action),
    ...(after.length > 0 ? [table(undefined, after)] : []),
  ].join('\n');
}

const each = (name: string, texts: readonly string[]): Row[] => texts.map((text, i) => [i === 0 ? name : '', text]);

/** Splits the rows after the named one; the columns of both parts have the same width. */
function split(rows: readonly Row[], name: string): [Row[], Row[]] {
  const wide = Math.max(...rows.map(([label]) => label.length));
  const padded = rows.map(([label, text]): Row => [label.padEnd(wide), text]);
  const at = rows.findIndex(([label]) => label === name);
  return at < 0 ? [padded, []] : [padded.slice(0, at + 1), padded.slice(at + 1)];
}

function callRows(call: ApprovalView['action']): Row[] {
  if (!call) return [];
  const { verb, tool, resource, argsDigest, cost, units, objections, reasons } = call;
  const attributes = Object.entries(resource.attributes ?? {}).map(
    ([key, value]) => `${key} = ${JSON.stringify(value)}`,
  );
  return [
    ['verb', verb],
    ...each('tool', tool === undefined ? [] : [tool]),
    ['resource', `${resource.type} ${resource.id}`],
    ...each('attributes', attributes),
    ['costs', costText(cost, 'nothing is stated')],
    ...each('uses', units ? [unitsText(units)] : []),
    ...(objections
      ? each(
          'because',
          objections.map(({ says, isNew }) => (isNew ? `NEW since the question was asked before: ${says}` : says)),
        )
      : each('because', reasons)),
    ['arguments', argsDigest ?? 'NOT STATED: they could be any'],
  ];
}

/** Marks each line, so that no argument can look like a line of the card. */
function argumentLines(call: ApprovalView['action']): string[] {
  if (!call) return [];
  const { args, hidden } = call;
  const lines = args === undefined ? [] : JSON.stringify(args, null, 2).split('\n');
  const masked =
    hidden && hidden.values > 0
      ? [
          red(
            `  NOT ALL is shown: ${hidden.values} of ${hidden.of} values masked or cut, ${hidden.characters} characters`,
          ),
        ]
      : [];
  return [...lines.map((line) => `  ${yellow('│')} ${plain(line)}`), ...masked];
}

/** Formats how many people have approved a pending request, if the policy requires several. */
export const givenText = ({ status, given, needed }: ApprovalView): string =>
  status === 'pending' && given !== undefined && needed !== undefined && needed > 1
    ? `, approved by ${given} of ${needed} people`
    : '';

/** Formats the number and the sum of pending calls that are alike. */
export const alikeText = ({ alike }: ApprovalView): string =>
  alike === undefined ? '' : ` (one of ${alike.count} alike, ${costText(alike.cost, 'no costs')} together)`;

function peopleRows(card: ApprovalView): Row[] {
  const answers = (card.answers ?? []).map(({ by, verdict, at }) => `${verdict} by ${by} at ${at}`);
  return [
    ...each('approvers', card.approvers === undefined ? [] : [`${card.approvers}${givenText(card)}`]),
    ...each('answers', answers),
    ...each('alike', card.alike === undefined ? [] : [alikeText(card).trim()]),
    ...each('covers', card.scope === undefined || card.status === 'pending' ? [] : [`the ${card.scope}`]),
    ...each('emergency', card.breakGlass ? ['BREAK-GLASS: one person approved alone'] : []),
  ];
}

function statusRow({ status, decidedBy, decidedAt, note, expiresAt }: ApprovalView): Row {
  if (status === 'pending') return ['answer by', expiresAt];
  const by = decidedBy === undefined ? '' : ` by ${decidedBy}`;
  const at = decidedAt === undefined ? '' : ` at ${decidedAt}`;
  return ['status', `${status}${by}${at}${note ? `: ${note}` : ''}`];
}
