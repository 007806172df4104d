import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brokenAt } from './testing/sealed-log';
import { verifyReceipt } from './verify';
import { verifyReceipt as onWeb } from './web/index';

const RELEASED = join(__dirname, 'testing', 'released');

/**
 * Receipts as each released version signed them. They are in the hands of people: whatever changes, they verify. A claim
 * that is told otherwise from now on is a new predicate type.
 */
describe.each(readdirSync(RELEASED))('the receipts of %s', (file) => {
  const { vkey, receipts } = JSON.parse(readFileSync(join(RELEASED, file), 'utf8')) as {
    vkey: string;
    receipts: Record<string, unknown>;
  };

  it.each(Object.entries(receipts))('verify: of a %s', (_name, receipt) => {
    expect(brokenAt(verifyReceipt(receipt, vkey))).toBe('');
    expect(brokenAt(onWeb(receipt, vkey))).toBe('');
  });
});
