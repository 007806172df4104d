import type { Verification } from '../web/verify';
import type { Block, Branch, Document } from './document';

const STYLE =
  'body{font:15px/1.5 system-ui,sans-serif;color:#1a1a1a;background:#fff;max-width:62rem;margin:2rem auto;padding:0 1rem}h1{font-size:1.4rem;overflow-wrap:anywhere}h2{font-size:1.05rem;margin:1.8rem 0 .4rem;border-bottom:1px solid #ccc;overflow-wrap:anywhere}table{border-collapse:collapse;width:100%;font-size:.85rem}th{text-align:left;font-weight:600;color:#555}th,td{padding:.2rem .6rem .2rem 0;vertical-align:top;border-bottom:1px solid #eee;overflow-wrap:anywhere}dl{display:grid;grid-template-columns:max-content 1fr;gap:.15rem 1rem;margin:.5rem 0}dt{color:#555}dd{margin:0;overflow-wrap:anywhere}ul{padding-left:1.2rem;margin:.3rem 0}li{overflow-wrap:anywhere}progress{width:12rem;height:.7rem}.ok,.broken,.unknown{border:1px solid;border-radius:.3rem;padding:.4rem .8rem}.ok{border-color:#2b7a3d;background:#eef8f0}.broken{border-color:#a61b1b;background:#fdeeee}.unknown{border-color:#8a6d00;background:#fdf8e3}.ok p,.broken p,.unknown p{margin:.2rem 0;font-weight:600}@media print{body{margin:0;max-width:none;font-size:11px}h2{break-after:avoid}tr,dl,li{break-inside:avoid}}';

/** SHA-256 of the style, as a content security policy names it: no other style, and nothing else at all, is taken. */
export const STYLE_HASH = 'sha256-HX5fAGx06o8eWWqp31UtGkDNG7Sc5fUIMwjARrRP1Fc=';

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
/** Controls, and marks that turn the direction of text, so that it reads as another. */
const UNSHOWN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\p{Surrogate}]/gu;

/** Any text as text, in an element or an attribute. */
const escaped = (text: string): string =>
  text.replace(UNSHOWN, '\ufffd').replace(/[&<>"']/g, (char) => ESCAPES[char] as string);

/**
 * One page that needs nothing else: no script, nothing fetched, fit to print. What agents said is shown as text and can
 * be nothing more.
 */
export function htmlOf({ title, blocks }: Document): string {
  const body = blocks.map(blockOf).join('\n');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '${STYLE_HASH}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
<h1>${escaped(title)}</h1>
${body}
</body>
</html>
`;
}

function blockOf(block: Block): string {
  switch (block.kind) {
    case 'heading':
      return `<h2>${escaped(block.text)}</h2>`;
    case 'facts':
      return `<dl>${block.rows.map(([name, value]) => `<dt>${escaped(name)}</dt><dd>${escaped(value)}</dd>`).join('')}</dl>`;
    case 'table':
      return tableOf(block.head, block.rows);
    case 'list':
      return `<ul>${block.items.map((item) => `<li>${escaped(item)}</li>`).join('')}</ul>`;
    case 'tree':
      return branches(block.roots);
    case 'budgets':
      return `<dl>${block.rows.map(({ what, used, cap, text }) => `<dt>${escaped(what)}</dt><dd><progress value="${Math.min(used, cap)}" max="${Math.max(cap, 1)}"></progress> ${escaped(text)}</dd>`).join('')}</dl>`;
    case 'verification':
      return verificationOf(block.verification);
  }
}

function tableOf(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const row = (cells: readonly string[], tag: 'th' | 'td'): string =>
    `<tr>${cells.map((cell) => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`;
  return `<table><thead>${row(head, 'th')}</thead><tbody>${rows.map((cells) => row(cells, 'td')).join('\n')}</tbody></table>`;
}

const branches = (all: readonly Branch[]): string =>
  all.length === 0
    ? ''
    : `<ul>${all.map(({ text, below }) => `<li>${escaped(text)}${branches(below)}</li>`).join('')}</ul>`;

function verificationOf(verification: Verification | undefined): string {
  if (!verification) return '<div class="unknown"><p>Not verified. What follows is what the file says.</p></div>';
  const { ok, steps } = verification;
  const said = ok ? 'Verified.' : 'NOT VERIFIED. Nothing that follows is to be believed.';
  const lines = steps.map((step) => `<li>${step.ok ? '✓' : '✗'} ${escaped(`${step.name}: ${step.detail}`)}</li>`);
  return `<div class="${ok ? 'ok' : 'broken'}"><p>${said}</p><ul>${lines.join('')}</ul></div>`;
}
