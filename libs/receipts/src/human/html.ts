import { budgetTable, type Used } from './budgets';
import type { Block, Branch, Document } from './blocks';
import { NO_PROOF, type Verdict } from './verdict';

const STYLE = [
  'body{font:15px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:62rem;margin:2rem auto;padding:0 1rem}',
  'h1,h2,h3,p,td,dd,li{overflow-wrap:anywhere}',
  'h1{font-size:1.4rem}',
  'time{white-space:nowrap}',
  'h2{font-size:1.15rem;margin:2rem 0 .4rem;border-bottom:1px solid #999}',
  'h3{font-size:1rem;margin:1.2rem 0 .3rem}',
  'p{margin:.4rem 0}',
  'dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.5rem 0}',
  'dt,th{color:#555}',
  'dd{margin:0}',
  'ul{padding-left:1.2rem;margin:.3rem 0}',
  // fixed widths for columns of ids, times and amounts; text columns share the rest
  'table{border-collapse:collapse;table-layout:fixed;width:100%;font-size:.9em;font-variant-numeric:tabular-nums}',
  'th{text-align:left;font-weight:600}',
  'th,td{padding:.2rem .6rem .2rem 0;vertical-align:top;border-bottom:1px solid #ddd}',
  '.position{width:5.5em}.time{width:15em}.by,.action{width:10em}.short{width:7.5em}.code{width:16em}.id{width:21em}',
  'progress{width:100%;max-width:14rem;height:.7rem}',
  '.tree,.tree ul,.steps{list-style:none}',
  '.tree,.steps{padding-left:0}',
  '.tree ul{border-left:1px solid #999;margin-left:.3rem}',
  '.tree li{margin:.2rem 0}',
  'section{border:1px solid;border-radius:.3rem;padding:.4rem .8rem}',
  'section h2{margin:.2rem 0;border:0;font-size:1.3rem}',
  'section.verified{border-color:#2b7a3d;background:#eef8f0}',
  'section.broken{border:4px double #a61b1b;background:#fdeeee}',
  'section.unknown{border:2px dashed #8a6d00;background:#fdf8e3}',
  'section.broken h2,.failed{color:#8f1414}',
  '.failed{font-weight:600}',
  // on a phone each row is shown as a list of its cells
  '@media screen and (max-width:52rem){thead{display:none}table,tbody,tr,td{display:block}tr{padding:.4rem 0;border-bottom:1px solid #999}td{display:grid;grid-template-columns:6rem 1fr;gap:.6rem;padding:0;border:0}td:empty{display:none}td::before{content:attr(data-of);color:#555}}',
  '@media screen and (max-width:30rem){dl{display:block}dd{margin-bottom:.4rem}}',
  // every printed sheet shows its page number and the verdict
  '@page{margin:15mm 12mm;@bottom-right{content:counter(page) " / " counter(pages);font:9px sans-serif}}',
  '@page broken{@top-center{content:"NOT VERIFIED";font:bold 12px sans-serif}}',
  '@page unknown{@top-center{content:"not verified";font:bold 12px sans-serif}}',
  '@media print{body{margin:0;padding:0;max-width:none;font-size:11px}body.broken{page:broken}body.unknown{page:unknown}h1{font-size:18px}h2{font-size:14px}h3{font-size:12px}h2,h3{break-after:avoid}section,tr,dd,li{break-inside:avoid}section{padding:2mm 4mm}section h2{font-size:16px}}',
].join('');

/** SHA-256 of the style for the content security policy, which admits this style and nothing else. */
export const STYLE_HASH = 'sha256-BwvEwCeo+SJ4Kz+uJycAYb8eO8m66vffzH8gtJ/ZTaY=';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
/** Control characters, and marks that change the direction of text and could disguise it. */
const UNSHOWN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\p{Surrogate}]/gu;

/** Escapes a text for an element or an attribute. */
const escaped = (text: string): string =>
  text.replace(UNSHOWN, '\ufffd').replace(/[&<>"']/g, (char) => ESCAPES[char] as string);

/**
 * Formats the document as one self-contained, printable page without scripts or external resources. Texts of agents are
 * escaped.
 */
export function htmlOf({ title, blocks }: Document): string {
  const body = blocks.map(blockOf).join('\n');
  const verdict = blocks.find((block) => block.kind === 'verification')?.verdict;
  const warning = verdict && verdict.state !== 'verified' ? `${verdict.title}: ` : '';
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${STYLE_HASH}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>${escaped(warning + title)}</title>
<style>${STYLE}</style>
</head>
<body class="${verdict?.state ?? 'unknown'}">
<main>
<h1>${escaped(title).replace(TIMES, '<time>$&</time>')}</h1>
${body}
</main>
</body>
</html>
`;
}

/** Times in a heading, which must not break at their hyphens. */
const TIMES = /\d{4}-\d{2}-\d{2}T[\d:.]+Z/g;

function blockOf(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `<h${block.level}>${escaped(block.text)}</h${block.level}>`;
    case 'text':
      return `<p>${escaped(block.text)}</p>`;
    case 'facts':
      return `<dl>${block.rows.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join('')}</dl>`;
    case 'table':
      return tableOf(block.head, block.rows);
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${escaped(item)}</li>`).join('')}</ul>`;
    case 'tree':
      return branches(block.roots, ' class="tree"');
    case 'budgets':
      return budgetsOf(block.rows);
    case 'verification':
      return verificationOf(block.verdict);
  }
}

/** Width classes (see `STYLE`) of columns with short cells. The other columns share the rest. */
const SIZES: Readonly<Record<string, string>> = {
  position: 'position',
  time: 'time',
  resumed: 'time',
  by: 'by',
  action: 'action',
  for: 'short',
  verdict: 'short',
  decision: 'short',
  outcome: 'short',
  cost: 'short',
  link: 'short',
  code: 'code',
  id: 'id',
};

/** @param head constant texts, never texts of agents */
function tableOf(head: readonly string[], rows: readonly (readonly string[])[], bars: readonly string[] = []): string {
  const heads = head.map(
    (name) => `<th scope="col"${SIZES[name] ? ` class="${SIZES[name]}"` : ''}>${escaped(name)}</th>`,
  );
  const cellsOf = (cells: readonly string[], i: number): string =>
    cells.map((cell, c) => `<td data-of="${escaped(head[c] ?? '')}">${escaped(cell)}</td>`).join('') +
    (bars[i] === undefined ? '' : `<td>${bars[i]}</td>`);
  const lines = rows.map((cells, i) => `<tr>${cellsOf(cells, i)}</tr>`);
  return `<table><thead><tr>${heads.join('')}${bars.length > 0 ? '<td></td>' : ''}</tr></thead><tbody>${lines.join('\n')}</tbody></table>`;
}

function budgetsOf(rows: readonly Used[]): string {
  const bars = rows.map(
    ({ what, own, all, cap, share }) =>
      `<progress value="${share}" max="1" aria-label="${escaped(`${what}: ${all ?? own} of ${cap}`)}"></progress>`,
  );
  return tableOf(...budgetTable(rows), bars);
}

const branches = (all: readonly Branch[], attributes = ''): string =>
  all.length === 0
    ? ''
    : `<ul${attributes}>${all.map(({ text, below }) => `<li>${escaped(text)}${branches(below)}</li>`).join('')}</ul>`;

function verificationOf({ state, title, says, steps }: Verdict): string {
  const lines = steps.map(({ ok, text }) =>
    ok ? `<li>✓ ${escaped(text)}</li>` : `<li class="failed">✗ ${escaped(text)}</li>`,
  );
  return `<section class="${state}"><h2>${title}</h2>${[...says, NO_PROOF].map((line) => `<p>${escaped(line)}</p>`).join('')}<ul class="steps">${lines.join('')}</ul></section>`;
}
