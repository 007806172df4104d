import { money as cliMoney } from '../../apps/cli/render';
import { spentText } from '#receipts/render';

describe('money', () => {
  it.failing('is printed with the digits of its currency in receipts and on the command line', () => {
    const cost = { JPY: 500, KWD: 1234, CLF: 12_345, XAU: 7, USD: 500 };
    const right = '500 JPY, 1.234 KWD, 1.2345 CLF, 7 minor units of XAU, 5.00 USD';
    expect(cliMoney(cost)).toBe(right);
    expect(spentText({ calls: 1, reads: 1, writes: 0, external: 0, cost })).toContain(right);
  });
});
