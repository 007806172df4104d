import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { brokenAt } from './testing/sealed-log';
import { verifyReceipt } from './verify';
import { verifyReceipt as onWeb } from './web/index';

const RELEASED = join(__dirname, 'testing', 'released');

/**
 * Receipts as each released version signed them. People hold copies of such receipts, so they must verify with every
 * later version. A change to a claim needs a new predicate type.
 */
describe.each(readdirSync(RELEASED))('receipts released with %s', (file) => {
  const { vkey, receipts } = JSON.parse(readFileSync(join(RELEASED, file), 'utf8')) as {
    vkey: string;
    receipts: Record<string, unknown>;
  };

  it.each(Object.entries(receipts))('still verify: %s', (_name, receipt) => {
    expect(brokenAt(verifyReceipt(receipt, vkey))).toBe('');
    expect(brokenAt(onWeb(receipt, vkey))).toBe('');
  });
});
