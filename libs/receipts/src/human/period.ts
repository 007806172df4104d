import type { RunClaims } from '@bailiwick/contracts/receipts/receipt';
import { amountsText } from '../render';
import { section, text, type Block } from './blocks';
import type { Used } from './budgets';

/** Builds the section about what was in flight at the ends of a period; empty for a receipt of an entire run. */
export function periodBlocks({ inFlight, actions, children, approvals }: RunClaims): Block[] {
  if (!inFlight) return [];
  const { atStart, atEnd } = inFlight;
  const rowsOf = (ids: 'actions' | 'children' | 'approvals', describe: (id: string) => string): string[][] =>
    [...new Set([...atStart[ids], ...atEnd[ids]])].map((id) => [
      describe(id),
      id,
      atStart[ids].includes(id) ? 'in flight' : '',
      atEnd[ids].includes(id) ? 'in flight' : '',
    ]);
  const rows = [
    ...rowsOf('actions', (id) => actions.find((each) => each.id === id)?.verb ?? 'action'),
    ...rowsOf('children', (id) => `run of ${children.find((each) => each.runId === id)?.agentClass ?? 'a child'}`),
    ...rowsOf('approvals', (id) => `request to a person (${approvals.find((each) => each.id === id)?.kind ?? ''})`),
  ];
  const reserved = (['atStart', 'atEnd'] as const).map((end) => {
    const { cost, units } = inFlight[end].reserved;
    return amountsText(cost, units) || 'nothing';
  });
  return section(
    'In flight',
    rows.length > 0,
    { kind: 'table', head: ['what', 'id', 'when the period started', 'when it ended'], rows },
    text(
      `Reserved when the period started: ${reserved[0]}; when it ended: ${reserved[1]}. An amount is spent in the period in which the outcome of its action was recorded.`,
    ),
  );
}

/** Builds the budgets of a period. They have no share: the caps are those of the lease, not of the period. */
export const periodBudgets = (rows: readonly Used[]): Block[] => [
  {
    kind: 'table',
    head: ['budget', 'spent in the period', 'at most by the lease'],
    rows: rows.map(({ what, own, cap }) => [what, own, cap]),
  },
  text('The caps are those of the entire lease; what was spent of them before the period is not shown.'),
];
