import type { Verification } from '../web/verify';
import type { Block, Branch, Document } from './document';

const UNSHOWN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\p{Surrogate}]/gu;

/**
 * Any text as text in a line of Markdown: no markup, no HTML, no link, no line of its own. Colons, at signs and dots are
 * escaped only where addresses would be made links by themselves.
 */
const escaped = (text: string): string =>
  text
    .replace(/\s*[\n\t]\s*/g, ' ')
    .replace(UNSHOWN, '\ufffd')
    .replace(/[\\`*_{}[\]()<>#|~&!$^=]/g, '\\$&')
    .replace(/:(?=\/\/|[^\s]*@)/g, '\\:')
    .replace(/@/g, '\\@')
    .replace(/\b(www|mailto|xmpp)(?=[.:])/gi, '$1\\');

/** The document in Markdown (CommonMark with tables). What agents said is shown as text and can be nothing more. */
export const markdownOf = ({ title, blocks }: Document): string =>
  `${[`# ${escaped(title)}`, ...blocks.map(blockOf)].join('\n\n')}\n`;

function blockOf(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `## ${escaped(block.text)}`;
    case 'facts':
      return block.rows.map(([name, value]) => `- **${escaped(name)}**: ${escaped(value)}`).join('\n');
    case 'table':
      return tableOf(block.head, block.rows);
    case 'list':
      return block.items.map((item) => `- ${escaped(item)}`).join('\n');
    case 'tree':
      return branches(block.roots, '').join('\n');
    case 'budgets':
      return tableOf(
        ['budget', 'spent'],
        block.rows.map(({ what, text }) => [what, text]),
      );
    case 'verification':
      return verificationOf(block.verification);
  }
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[]): string => `| ${cells.map(escaped).join(' | ')} |`;
  return [row(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(row)].join('\n');
}

const branches = (all: readonly Branch[], indent: string): string[] =>
  all.flatMap(({ text, below }) => [`${indent}- ${escaped(text)}`, ...branches(below, `${indent}  `)]);

function verificationOf(verification: Verification | undefined): string {
  if (!verification) return '> **Not verified.** What follows is what the file says.';
  const { ok, steps } = verification;
  const said = ok ? '**Verified.**' : '**NOT VERIFIED.** Nothing that follows is to be believed.';
  return [
    `> ${said}`,
    '>',
    ...steps.map((step) => `> - ${step.ok ? '✓' : '✗'} ${escaped(`${step.name}: ${step.detail}`)}`),
  ].join('\n');
}
