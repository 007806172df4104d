import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import type { TreeView } from '@bailiwick/contracts/queries/query';
import type { Reason } from '@bailiwick/contracts/reason';
import { marked } from '@bailiwick/core/look-alike';

const COLOR = process.stdout.isTTY && process.env.NO_COLOR === undefined;
const paint =
  (code: number) =>
  (text: string): string =>
    COLOR ? `\u001b[${code}m${text}\u001b[0m` : text;
export const green = paint(32);
export const red = paint(31);
export const yellow = paint(33);
export const dim = paint(2);
export const bold = paint(1);

/** Removes line breaks and control characters, so that outside text can neither control the terminal nor imitate output. */
export const plain = (text: string): string =>
  text
    .replace(/\s*[\n\t\u2028\u2029]\s*/g, ' ')
    .replace(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g, '�');

/** Longer cells do not widen their column; the rest of their row is shifted to the right. */
const WIDEST = 60;

/** Formats columns as wide as their widest cell, with an optional head. */
export function table(head: readonly string[] | undefined, rows: readonly (readonly string[])[]): string {
  const all = [...(head ? [head] : []), ...rows].map((row) => row.map(plain));
  const widths = (all[0] ?? []).map((_, i) =>
    all.map((row) => (row[i] ?? '').length).reduce((a, b) => (b > WIDEST ? a : Math.max(a, b)), 0),
  );
  return all
    .map((row) => row.map((cell, i) => (i === row.length - 1 ? cell : cell.padEnd(widths[i] as number))).join('  '))
    .map((line, r) => (head && r === 0 ? dim(line) : line))
    .join('\n');
}

const STATUS: Record<string, (text: string) => string> = {
  active: green,
  completed: green,
  suspended: yellow,
  pending: yellow,
};

function grantLine(run: RunView | undefined, grant: GrantView): string {
  const used = grant.consumed;
  const { budget } = grant.limits;
  const counts = `${used.calls}/${budget.calls} calls, ${used.reads}/${budget.reads} reads, ${used.writes}/${budget.writes} writes`;
  const status = (STATUS[grant.status] ?? red)(grant.status);
  const why = grant.endReason ? dim(` (${plain(grant.endReason)})`) : '';
  const label = run ? `${plain(marked(run.agent.class))} ${dim(plain(run.task ?? run.purpose ?? ''))}` : grant.runId;
  return `${bold(label)}  ${status}${why}  ${counts}  ${dim(grant.id)}`;
}

/** Draws a grant tree. */
export function treeText(tree: TreeView): string {
  const runs = new Map(tree.runs.map((run) => [run.id, run]));
  const shown = tree.grants.filter((grant) => grant.status !== 'superseded');
  const replacements = new Map(
    tree.grants.filter((grant) => grant.supersededBy).map((grant) => [grant.id, grant.supersededBy as string]),
  );
  const resolve = (id: string | undefined): string | undefined =>
    id !== undefined && replacements.has(id) ? resolve(replacements.get(id)) : id;
  const lines: string[] = [];
  const walk = (parentId: string | undefined, indent: string): void => {
    const children = shown.filter((grant) => resolve(grant.parentId) === parentId);
    children.forEach((grant, i) => {
      const last = i === children.length - 1;
      const root = parentId === undefined;
      lines.push(`${indent}${root ? '' : last ? '└─ ' : '├─ '}${grantLine(runs.get(grant.runId), grant)}`);
      walk(grant.id, root ? indent : `${indent}${last ? '   ' : '│  '}`);
    });
  };
  walk(undefined, '');
  return lines.join('\n');
}

/** Formats the objections as an indented tree. */
export function reasonText(reasons: readonly Reason[], indent = '  '): string {
  return reasons
    .filter((reason) => reason.outcome !== 'permit')
    .map((reason) => {
      const below = reason.reasons?.length ? `\n${reasonText(reason.reasons, `${indent}  `)}` : '';
      const code = reason.code ? ` ${dim(`[${reason.code}]`)}` : '';
      return `${indent}${reason.outcome === 'deny' ? red('✗') : yellow('?')} ${plain(reason.rule)}: ${plain(reason.message)}${code}${below}`;
    })
    .join('\n');
}

/** Draws a progress bar on a terminal, and prints every tenth elsewhere. */
export class Progress {
  private shown = -1;
  constructor(
    private readonly total: number,
    private readonly what: string,
  ) {}
  show(done: number): void {
    const share = this.total === 0 ? 1 : done / this.total;
    const step = Math.floor(share * (process.stderr.isTTY ? 100 : 10));
    if (step === this.shown) return;
    this.shown = step;
    const bar = '█'.repeat(Math.floor(share * 30)).padEnd(30, '░');
    const text = `${bar} ${String(done).padStart(String(this.total).length)}/${this.total} ${this.what}`;
    process.stderr.write(process.stderr.isTTY ? `\r${text}${done === this.total ? '\n' : ''}` : `${text}\n`);
  }
}
