import { budgetTable } from '@bailiwick/receipts/human/budgets';
import type { Block, Branch, Document } from '@bailiwick/receipts/human/blocks';
import type { Verdict } from '@bailiwick/receipts/human/verdict';
import { bold, green, plain, red, table, yellow } from './render';

const COLORS = { verified: green, broken: red, unknown: yellow };

/** Formats a receipt for a terminal. An unverified one is marked at its end too, because its start may have scrolled away. */
export function terminalOf({ title, blocks }: Document): string {
  const lines = [bold(plain(title)), ...blocks.flatMap(linesOf)];
  const verdict = blocks.find((block) => block.kind === 'verification')?.verdict;
  if (verdict && verdict.state !== 'verified') lines.push('', COLORS[verdict.state](verdict.title));
  return `${lines.join('\n')}\n`;
}

function linesOf(block: Block): string[] {
  switch (block.kind) {
    case 'heading':
      return ['', bold(plain(block.text))];
    case 'text':
      return [`  ${plain(block.text)}`];
    case 'facts':
      return ['', ...tableLines(block.rows)];
    case 'table':
      return tableLines(block.rows, block.head);
    case 'budgets': {
      const [head, rows] = budgetTable(block.rows);
      return tableLines(rows, head);
    }
    case 'list':
      return block.items.map((item) => `  - ${plain(item)}`);
    case 'tree':
      return branches(block.roots, '  ');
    case 'verification':
      return verdictLines(block.verdict);
  }
}

const tableLines = (rows: readonly (readonly string[])[], head?: readonly string[]): string[] =>
  table(head, rows)
    .split('\n')
    .map((line) => `  ${line}`.trimEnd());

const branches = (all: readonly Branch[], indent: string, depth = 0): string[] =>
  all.flatMap(({ text, below }, i) => {
    const last = i === all.length - 1;
    const stem = depth === 0 ? '' : last ? '└─ ' : '├─ ';
    return [
      `${indent}${stem}${plain(text)}`,
      ...branches(below, depth === 0 ? indent : `${indent}${last ? '   ' : '│  '}`, depth + 1),
    ];
  });

const verdictLines = ({ state, title, says, steps }: Verdict): string[] => [
  ...stepLines(steps),
  COLORS[state](title),
  ...says.map((line) => `  ${plain(line)}`),
];

/** Formats the steps of a verification, one per line. */
export const stepLines = (steps: Verdict['steps']): string[] =>
  steps.map(({ ok, text }) => `${ok ? green('✓') : red('✗')} ${plain(text)}`);
