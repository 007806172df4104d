import { TREE_RECEIPT } from '@bailiwick/contracts/receipts/receipt';
import { readUnverified } from '@bailiwick/receipts/envelope';
import type { Document } from '@bailiwick/receipts/human/blocks';
import { documentOf } from '@bailiwick/receipts/human/document';
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

describe('terminalOf', () => {
  it('shows verification, tree, budgets, reasons, timeline and the limits of the proof, as the other formats do', () => {
    const text = shown(VKEY);
    for (const part of [
      'Verified\n  Checked with the verifier key ' + VKEY,
      `└─ helper ${busy.childId}`,
      'budget    spent by this run  with the runs below it  at most',
      'iam.role.grant is denied by iam.*',
      'Timeline\n  position  time',
      'that the agent could not act outside this system',
    ])
      expect(text).toContain(part);
    expect(text.trimEnd().split('\n').at(-1)).not.toContain('erified');
  });

  it('states at the start and at the end that a receipt is not verified', () => {
    const altered = shown(VKEY.replace(/\+[^+]*$/, '+AAAA'));
    expect(altered).toContain('✗ the verifier key is well formed');
    expect(altered.match(/^NOT VERIFIED$/gm)).toHaveLength(2);
    expect(altered.endsWith('\n\nNOT VERIFIED\n')).toBe(true);
    expect(shown().match(/^Not verified$/gm)).toHaveLength(2);
  });

  it('keeps each text on one line, and does not widen a column for a long text', () => {
    const hostile = 'sort\nrevoked   nothing\n✓ the envelope is signed by the log';
    const long = 'x'.repeat(300);
    const document: Document = {
      title: hostile,
      blocks: [
        { kind: 'facts', rows: [['purpose', hostile]] },
        { kind: 'list', items: [hostile] },
        { kind: 'tree', roots: [{ text: hostile, below: [{ text: hostile, below: [] }] }] },
        {
          kind: 'table',
          head: ['on', 'why'],
          rows: [
            [hostile, hostile],
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
