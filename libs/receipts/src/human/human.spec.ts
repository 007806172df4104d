import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { ACTION_RECEIPT, TREE_RECEIPT, type Envelope, type TreeStatement } from '@bailiwick/contracts/receipts/receipt';
import { readUnverified } from '../envelope';
import { busyRun } from '../testing/busy-run';
import { otherReceiptOf, receiptOf, VKEY } from '../testing/sealed-log';
import { verifyReceipt } from '../verify';
import { documentOf } from './document';
import { htmlOf, STYLE_HASH } from './html';
import { markdownOf } from './markdown';

fc.configureGlobal({ seed: 20260471 });

const busy = busyRun();
const envelope = receiptOf(busy.log, busy.runId);
const shown = (each: Envelope, verified = true): { html: string; md: string } => {
  const [verification, keys] = verified ? [verifyReceipt(each, VKEY), VKEY] : [];
  const document = documentOf(readUnverified(each), verification, keys);
  return { html: htmlOf(document), md: markdownOf(document) };
};
const { html, md } = shown(envelope);

/** The elements that a page may contain; any other tag was injected. */
const OURS =
  /^(!doctype|html|head|meta|title|style|body|main|section|h1|h2|h3|dl|dt|dd|table|thead|tbody|tr|th|td|ul|li|p|progress)$/;
const tagsOf = (page: string): string[] =>
  [...page.matchAll(/<\/?([!a-zA-Z][^\s>/]*)/g)].map(([, name]) => name as string);

describe('a human-readable receipt', () => {
  it('shows tree, timeline, budgets and verification in HTML and Markdown', () => {
    for (const [text, verified] of [
      [html, '<h2>Verified</h2>'],
      [md.replace(/\\/g, ''), '**Verified.**'],
    ] as const) {
      for (const part of [
        verified,
        'ann@example.com',
        'Tidy the repository',
        'completed: the run reported its work done',
        busy.childId,
        'there are more files',
        'iam.role.grant is denied by iam.*',
        'Timeline',
        'permitted: thing.delete on thing t-1',
        VKEY,
        'This is a copy for reading and proves nothing on its own.',
        'What this receipt does not prove',
        'outside this system',
      ])
        expect(text).toContain(part);
    }
  });

  it('shows the subject of trees and actions', () => {
    const { treeId } = busy.log.last('RunOpened');
    const { actionId } = busy.log.last('ActionDenied');
    expect(shown(otherReceiptOf(busy.log, TREE_RECEIPT, treeId as string)).html).toContain(
      `Run ${busy.childId}, helper`,
    );
    const denied = shown(otherReceiptOf(busy.log, ACTION_RECEIPT, actionId as string)).html;
    expect(denied).toContain('Custody');
    expect(denied).toContain('deny: iam.role.grant is denied');
  });

  it('shows the use of each cap by the run, and including the runs below it if the receipt contains them', () => {
    const cells = (page: string, what: string): string[][] =>
      [...page.matchAll(new RegExp(`<td data-of="budget">${what}</td>(.*?)</tr>`, 'g'))].map(([, row = '']) =>
        [...row.matchAll(/data-of="([^"]*)">([^<]*)<|(value="[^"]*")/g)].map(
          ([, of, cell, bar]) => bar ?? `${of}: ${cell}`,
        ),
      );
    expect(cells(html, 'calls')).toEqual([['spent by this run: 7', 'at most: 90', `value="${7 / 90}"`]]);
    expect(html).toContain('<p>Only the spending of this run');

    const whole = otherReceiptOf(busy.log, TREE_RECEIPT, busy.log.last('RunOpened').treeId as string);
    const tree = shown(whole);
    const { predicate } = readUnverified(whole) as TreeStatement;
    const [root = []] = cells(tree.html, 'calls');
    expect(root).toContain('spent by this run: 0');
    expect(root).toContain(`with the runs below it: ${predicate.spent.calls}`);
    expect(tree.html).not.toContain('Only the spending of this run');
  });

  it('orders its headings: the sections of a run in a tree are below the heading of that run', () => {
    const { treeId } = busy.log.last('RunOpened');
    const page = shown(otherReceiptOf(busy.log, TREE_RECEIPT, treeId as string)).html;
    const levels = [...page.matchAll(/<h([1-6])>(Run|Budgets|Timeline)?/g)];
    expect(levels[0]?.[1]).toBe('1');
    for (const [i, [, level]] of levels.entries())
      expect(Number(level)).toBeLessThanOrEqual(Number(levels[i - 1]?.[1] ?? 0) + 1);
    for (const [, level, word] of levels)
      if (word !== undefined) expect(`${word} ${level}`).toBe(`${word} ${word === 'Budgets' ? 3 : 2}`);
  });

  it('names in the timeline the action of an outcome, and the run of an event of another run', () => {
    const { treeId } = busy.log.last('RunOpened');
    const tree = shown(otherReceiptOf(busy.log, TREE_RECEIPT, treeId as string)).html;
    expect(html).toMatch(/completed: file\.read, as permitted at position \d+</);
    expect(html).not.toMatch(/(completed|failed): act_/);
    expect(tree).toContain(`repo-agent ${busy.runId}: permitted: `);
    expect(html).not.toContain(`repo-agent ${busy.runId}: permitted: `);
  });

  it('gives columns of ids, times and amounts a fixed width, which long texts cannot squeeze', () => {
    const heads = [
      ...html.matchAll(/<th scope="col"([^>]*)>(position|time|by|action|outcome|cost|decision|verdict)</g),
    ];
    expect(heads.length).toBeGreaterThan(10);
    for (const [, size, name] of heads) expect(`${name}${size}`).toMatch(/ class="\w+"$/);
  });

  it('names the agent class of every ancestor', () => {
    expect(html).toMatch(/<ul class="tree"><li>orchestrator run_/);
  });

  it('states that it was not verified, or that it does not verify', () => {
    expect(shown(envelope, false).html).toContain('<h2>Not verified</h2>');
    const forged = { ...envelope, signatures: [{ keyid: 'bailiwick.test/default/0', sig: 'A'.repeat(86) + '==' }] };
    const page = shown(forged);
    expect(page.html).toContain('<h2>NOT VERIFIED</h2>');
    expect(page.html).toContain('<title>NOT VERIFIED: Receipt of');
    expect(page.html).toContain('<body class="broken">');
    expect(page.html).toContain('✗ the envelope is signed by the log');
    expect(page.md).toContain('**NOT VERIFIED.**');
  });

  it('is a self-contained page without scripts', () => {
    expect(html).not.toMatch(/<script|<link|<img|<iframe|<a |src=|href=|url\(|@import|\son\w+=|style="/i);
    const style = /<style>(.*)<\/style>/s.exec(html)?.[1] ?? '';
    expect(STYLE_HASH).toBe(`sha256-${createHash('sha256').update(style).digest('base64')}`);
    expect(html).toContain(`default-src 'none'; style-src '${STYLE_HASH}'`);
    expect(tagsOf(html).filter((name) => !OURS.test(name))).toEqual([]);
  });
});

/** Forges a receipt whose every text is the given one, as shown to a reader before verification. */
function hostile(text: string, each: Envelope = envelope): { html: string; md: string } {
  const spoil = (value: unknown): unknown =>
    typeof value === 'string'
      ? text
      : Array.isArray(value)
        ? value.map(spoil)
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, spoil(inner)]))
          : value;
  const statement = readUnverified(each);
  const { events, ...claims } = statement.predicate;
  const document = documentOf({
    ...statement,
    predicate: { ...(spoil(claims) as object), events },
  } as typeof statement);
  return { html: htmlOf(document), md: markdownOf(document) };
}

const ATTACKS = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onload='alert(1)",
  '</title><style>*{display:none}</style>',
  '--></div><iframe src=//evil.example>',
  '[click](javascript:alert(1)) ![x](//evil.example/x.png)',
  'https://evil.example www.evil.example me@evil.example mailto:me@evil.example',
  '| a | b |\n|---|---|\n# heading\n> quote\n```\ncode',
  '&lt;script&gt; &#60;b&#62; <b>bold</b> **bold** ~~gone~~ `code`',
  '- one',
  '+ one',
  '1. one',
  '2) one',
  '      code',
  'abc\u202egnp.exe\u2066x\u200by\u0007\u001b[31m',
];

describe('a text of an agent', () => {
  const honest = tagsOf(hostile('harmless').html).length;
  const lines = hostile('harmless').md.split('\n').length;

  it.each(ATTACKS)('is escaped: %j', (attack) => {
    const page = hostile(attack);
    expect(tagsOf(page.html).length).toBe(honest);
    expect(tagsOf(page.html).filter((name) => !OURS.test(name))).toEqual([]);
    expect(page.md.split('\n').length).toBe(lines);
    expect(page.md).not.toMatch(/(?<!\\)[[\]`~<@]|https?:\/\/|www\./);
    expect(page.md).not.toMatch(/^\s*- (\s|[-+] |\d+[.)] )/m);
    for (const each of [page.html, page.md]) expect(each).not.toMatch(/[\u202a-\u202e\u2066-\u2069\u200b\u0007\u001b]/);
  });

  it('cannot send the formatter of a tree into a loop', () => {
    const { treeId } = busy.log.last('RunOpened');
    expect(hostile('run_0_x', otherReceiptOf(busy.log, TREE_RECEIPT, treeId as string)).html).toContain(
      'Receipt of the tree',
    );
  });

  it('is escaped if it is random', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.constantFrom(...ATTACKS), (a, b) => {
        const text = `${a}${b}${a}`.slice(0, 150);
        if (!text.isWellFormed()) return;
        const page = hostile(text);
        expect(tagsOf(page.html).length).toBe(honest);
        expect(page.md.split('\n').length).toBe(lines);
      }),
      { numRuns: 25 },
    );
  });
});
