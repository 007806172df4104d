import type { Limits } from '@bailiwick/contracts/grants/grant';
import { leaseText } from './lease-text';

const actions: Limits['actions'] = { allow: ['file.*', 'invoice.pay'], deny: [], mode: 'execute' };
const read = { actions: ['file.read'], resources: [{ type: 'file', match: 'docs/**' }] };
const pay = { actions: ['invoice.pay'], resources: [{ type: 'invoice', match: '**' }], mode: 'propose' as const };

describe('the text of a lease in a receipt', () => {
  it('names the caps of a permission', () => {
    const permissions = [read, { ...pay, calls: 5, cost: { EUR: 50_000 }, units: { pages: 9 } }];
    expect(leaseText({ actions, permissions } as Limits)).toBe(
      'file.read on file docs/**, invoice.pay on invoice ** (propose; at most 5 calls, 500.00 EUR, 9 pages in all)',
    );
  });

  it('of a lease without such caps is what it was before there were any', () => {
    expect(leaseText({ actions, permissions: [read, pay] } as Limits)).toBe(
      'file.read on file docs/**, invoice.pay on invoice ** (propose)',
    );
    expect(leaseText({ actions } as Limits)).toBe('file.*, invoice.pay');
  });
});
