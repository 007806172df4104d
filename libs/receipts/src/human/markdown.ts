import { budgetTable } from './budgets';
import type { Block, Branch, Document } from './blocks';
import { NO_PROOF, type Verdict } from './verdict';

const UNSHOWN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\p{Surrogate}]/gu;

/**
 * Escapes a text for one line of Markdown, so that it cannot create markup, HTML, links or lines. Colons, at signs and
 * dots are escaped only in addresses that Markdown would turn into links. GitHub still turns a mail address into a link
 * to itself.
 */
const escaped = (text: string): string =>
  text
    .replace(/\s*[\n\t]\s*/g, ' ')
    .trim()
    .replace(UNSHOWN, '\ufffd')
    .replace(/[\\`*_{}[\]()<>#|~&!$^=]/g, '\\$&')
    .replace(/:(?=\/\/|[^\s]*@)/g, '\\:')
    .replace(/@/g, '\\@')
    .replace(/^[-+]/, '\\$&')
    .replace(/^(\d+)(?=[.])/, '$1\\')
    .replace(/\b(www|mailto|xmpp)(?=[.:])/gi, '$1\\');

/** Formats the document as Markdown (CommonMark with tables). Texts of agents are escaped. */
export const markdownOf = ({ title, blocks }: Document): string =>
  `${[`# ${escaped(title)}`, ...blocks.map(blockOf)].join('\n\n')}\n`;

function blockOf(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `${'#'.repeat(block.level)} ${escaped(block.text)}`;
    case 'text':
      return escaped(block.text);
    case 'facts':
      return block.rows.map(([name, value]) => `- **${escaped(name)}**: ${escaped(value)}`).join('\n');
    case 'table':
      return tableOf(block.head, block.rows);
    case 'list':
      return block.items.map((item) => `- ${escaped(item)}`).join('\n');
    case 'tree':
      return branches(block.roots, '').join('\n');
    case 'budgets':
      return tableOf(...budgetTable(block.rows));
    case 'verification':
      return verificationOf(block.verdict);
  }
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;
  return [row(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(row)].join('\n');
}

const branches = (all: readonly Branch[], indent: string): string[] =>
  all.flatMap(({ text, below }) => [`${indent}- ${escaped(text)}`, ...branches(below, `${indent}  `)]);

const verificationOf = ({ title, says, steps }: Verdict): string =>
  [
    `**${title}.**`,
    ...[...says, NO_PROOF].flatMap((line) => ['', escaped(line)]),
    '',
    ...steps.map((step) => `- ${step.ok ? '✓' : '✗'} ${escaped(step.text)}`),
  ]
    .map((line) => `> ${line}`.trimEnd())
    .join('\n');
