import fc from 'fast-check';
import { budgetsOf } from '@bailiwick/receipts/human/budgets';
import { spentText } from '@bailiwick/receipts/render';
import type { RunClaims } from '@bailiwick/contracts/receipts/receipt';
import { amountOf, costText, minorDigits, money } from './money';

fc.configureGlobal({ seed: 20260101 });

/** Codes of ISO 4217 that `Intl` does not list: funds, metals, units of account, codes for testing. */
const NOT_IN_CLDR = 'BOV CHE CHW CLF COU MXV USN UYI UYW VED XAD'.split(' ');
const WITHOUT_MINOR_UNIT = 'XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX'.split(' ');
const CLDR = Intl.supportedValuesOf('currency');
const ALL = [...new Set([...CLDR, ...NOT_IN_CLDR, ...WITHOUT_MINOR_UNIT])].sort();

/** Currencies for which CLDR shows the digits of retail prices, while ISO 4217 lists the minor unit (CLDR-18008). */
const CLDR_DIFFERS: Record<string, number> = {
  ...Object.fromEntries(
    'AFN ALL COP HUF IDR IRR KPW LAK LBP MGA MMK PKR SLL SOS SYP YER'.split(' ').map((code) => [code, 2]),
  ),
  IQD: 3,
};
const cldrDigits = (currency: string): number =>
  new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits ?? -1;

/** Parses a formatted amount; of the currency it uses only the position of the decimal point. */
function parsed(text: string): { minor: bigint; digits: number; currency: string } {
  const [, whole, , fraction = '', currency] = /^(\d+)(\.(\d+))? ([A-Z]{3})$/.exec(text) ?? [];
  if (whole === undefined || currency === undefined) throw new Error(`not an amount: ${text}`);
  return { minor: BigInt(whole + fraction), digits: fraction.length, currency };
}

describe('money', () => {
  it('is formatted with the digits of its currency in receipts, in budgets and on the command line', () => {
    const cost = { JPY: 500, KWD: 1234, CLF: 12_345, XAU: 7, USD: 500 };
    const right = '500 JPY, 1.234 KWD, 1.2345 CLF, 7 minor units of XAU, 5.00 USD';
    expect(costText(cost)).toBe(right);
    expect(spentText({ calls: 1, reads: 1, writes: 0, external: 0, cost })).toContain(right);
    const counts = { calls: 0, reads: 0, writes: 0, external: 0 };
    const lease = { runId: 'r', limits: { budget: { ...counts, cost, windows: [{ per: '1h', cost }] } } };
    const claims = { run: { id: 'r' }, spent: { ...counts, cost }, grants: [lease], children: [] };
    const budgets = budgetsOf(claims as unknown as RunClaims);
    expect(budgets?.rows.slice(4).map(({ what, own, cap }) => [what, own, cap])).toEqual([
      ['JPY', '500', '500'],
      ['KWD', '1.234', '1.234'],
      ['CLF', '1.2345', '1.2345'],
      ['XAU', '7 minor units', '7 minor units'],
      ['USD', '5.00', '5.00'],
    ]);
    expect(budgets?.says[0]).toContain(right);
  });

  it.each<[number, string, string]>([
    [500, 'USD', '5.00 USD'],
    [5, 'EUR', '0.05 EUR'],
    [0, 'USD', '0.00 USD'],
    [0, 'JPY', '0 JPY'],
    [1, 'KWD', '0.001 KWD'],
    [1, 'CLF', '0.0001 CLF'],
    [500, 'HUF', '5.00 HUF'],
    [500, 'IDR', '5.00 IDR'],
    [1000, 'IQD', '1.000 IQD'],
    [500, 'MGA', '5.00 MGA'],
    [500, 'ISK', '500 ISK'],
    [500, 'UGX', '500 UGX'],
    [500, 'BGN', '5.00 BGN'],
    [500, 'XAU', '500 minor units of XAU'],
    [500, 'XXX', '500 minor units of XXX'],
    [500, 'ZZZ', '500 minor units of ZZZ'],
    [500, 'usd', '500 minor units of usd'],
    [500, '__proto__', '500 minor units of __proto__'],
    [500, 'constructor', '500 minor units of constructor'],
    [999_999_999_999_999, 'USD', '9999999999999.99 USD'],
    [Number.MAX_SAFE_INTEGER, 'USD', '90071992547409.91 USD'],
    [1.5, 'USD', '1.5 minor units of USD'],
    [-5, 'USD', '-5 minor units of USD'],
    [2 ** 53, 'USD', '9007199254740992 minor units of USD'],
    [NaN, 'USD', 'NaN minor units of USD'],
  ])('writes %d minor units of %s as %s', (minor, currency, text) => {
    expect(money(minor, currency)).toBe(text);
  });

  it('formats an empty cost as the text that the caller passes', () => {
    expect([costText({}), costText({}, '0')]).toEqual(['', '0']);
  });

  it('has the digits of ISO 4217 for every currency in CLDR, and differs from CLDR only where expected', () => {
    const odd = CLDR.filter((currency) => !WITHOUT_MINOR_UNIT.includes(currency)).filter(
      (currency) => minorDigits(currency) !== (CLDR_DIFFERS[currency] ?? cldrDigits(currency)),
    );
    // currencies that a newer CLDR may show with fewer digits belong in the exceptions above
    expect(odd).toEqual([]);
    expect(NOT_IN_CLDR.filter((currency) => minorDigits(currency) === undefined)).toEqual([]);
    expect(WITHOUT_MINOR_UNIT.filter((currency) => minorDigits(currency) !== undefined)).toEqual([]);
  });

  it('reads back as the same minor units, for all currencies and whole numbers (property)', () => {
    const amount = fc.oneof(fc.maxSafeNat(), fc.nat(20_000), fc.constantFrom(0, 1, 9, 10, 99, 100, 999, 1_000));
    fc.assert(
      fc.property(fc.constantFrom(...ALL), amount, (currency, minor) => {
        const digits = minorDigits(currency);
        if (digits === undefined) {
          expect(money(minor, currency)).toBe(`${minor} minor units of ${currency}`);
          return;
        }
        expect(parsed(money(minor, currency))).toEqual({ minor: BigInt(minor), digits, currency });
        expect(`${amountOf(minor, currency)} ${currency}`).toBe(money(minor, currency));
      }),
      { numRuns: 5_000 },
    );
  });
});
