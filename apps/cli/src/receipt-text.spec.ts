import { TREE_RECEIPT } from '@bailiwick/contracts/receipt';
import { readUnverified } from '@bailiwick/receipts/envelope';
import { documentOf, type Document } from '@bailiwick/receipts/human/document';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { otherReceiptOf, VKEY } from '@bailiwick/receipts/testing/sealed-log';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import { terminalOf } from './receipt-text';

const busy = busyRun();
const envelope = otherReceiptOf(busy.log, TREE_RECEIPT, busy.log.last('RunOpened').treeId as string);
const shown = (keys?: string): string =>
  terminalOf(
    documentOf(readUnverified(envelope), keys === undefined ? undefined : verifyReceipt(envelope, keys), keys),
  );

describe('a receipt on a terminal', () => {
  it('tells what the other forms tell: verification, tree, budgets, reasons, timeline, and what it does not prove', () => {
    const text = shown(VKEY);
    for (const said of [
      'Verified\n  Checked with the verifier key ' + VKEY,
      `└─ helper ${busy.childId}`,
      'budget    spent by this run  with the runs below it  at most',
      'iam.role.grant is denied by iam.*',
      'Timeline\n  position  time',
      'that the agent could not act outside this system',
    ])
      expect(text).toContain(said);
    expect(text.trimEnd().split('\n').at(-1)).not.toContain('erified');
  });

  it('says at its beginning and at its end that it is not verified', () => {
    const spoilt = shown(VKEY.replace(/\+[^+]*$/, '+AAAA'));
    expect(spoilt).toContain('✗ the verifier key is well formed');
    expect(spoilt.match(/^NOT VERIFIED$/gm)).toHaveLength(2);
    expect(spoilt.endsWith('\n\nNOT VERIFIED\n')).toBe(true);
    expect(shown().match(/^Not verified$/gm)).toHaveLength(2);
  });

  it('gives no word a line of its own, and a long one does not widen its column', () => {
    const words = 'sort\nrevoked   nothing\n✓ the envelope is signed by the log';
    const long = 'x'.repeat(300);
    const document: Document = {
      title: words,
      blocks: [
        { kind: 'facts', rows: [['purpose', words]] },
        { kind: 'list', items: [words] },
        { kind: 'tree', roots: [{ text: words, below: [{ text: words, below: [] }] }] },
        {
          kind: 'table',
          head: ['on', 'why'],
          rows: [
            [words, words],
            [long, 'a'],
            ['b', 'c'],
          ],
        },
      ],
    };
    const text = terminalOf(document);
    expect(text).not.toMatch(/^\s*(revoked|✓)/m);
    expect(text.split('\n').filter((line) => line.length > 250)).toEqual([`  ${long}  a`]);
  });
});
