/**
 * Formats amounts of money for people. Amounts are stored as whole minor units; ISO 4217 alone defines the number of
 * minor units per unit. CLDR (`Intl`) lists the digits that prices are commonly shown with, such as none for HUF.
 * A code that is not listed, or that has no minor unit (XAU), is never divided by a guess.
 * @see ISO 4217:2015, list one of 2026-01-01 (active codes, column "minor unit")
 */
const DIGITS: ReadonlyMap<string, number> = new Map(
  Object.entries({
    0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
    2:
      'AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW ' +
      'CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF ' +
      'IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK ' +
      'MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP ' +
      'SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG ' +
      'YER ZAR ZMW ZWG ' +
      // withdrawn recently, and still in budgets and receipts
      'ANG BGN CUC HRK SLL ZWL',
    3: 'BHD IQD JOD KWD LYD OMR TND',
    4: 'CLF UYW',
  }).flatMap(([digits, codes]) => codes.split(' ').map((code): [string, number] => [code, Number(digits)])),
);

/** Returns the number of digits after the decimal point; undefined if the currency has no minor unit or is unknown. */
export const minorDigits = (currency: string): number | undefined => DIGITS.get(currency);

/** Formats digit by digit, since a division would round large amounts; undefined if units cannot express the amount. */
function inUnits(minor: number, currency: string): string | undefined {
  const digits = minorDigits(currency);
  if (digits === undefined || !Number.isSafeInteger(minor) || minor < 0) return undefined;
  const text = String(minor).padStart(digits + 1, '0');
  return digits === 0 ? text : `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** Formats minor units: `5.00 USD`, `500 JPY`, `1.234 KWD`; `500 minor units of XAU` if the digits are unknown. */
export function money(minor: number, currency: string): string {
  const units = inUnits(minor, currency);
  return units === undefined ? `${minor} minor units of ${currency}` : `${units} ${currency}`;
}

/** Formats an amount without its currency, for a column of one currency. */
export const amountOf = (minor: number, currency: string): string => inUnits(minor, currency) ?? `${minor} minor units`;

/** Formats the amount of each currency: `5.00 USD, 500 JPY`. */
export const costText = (cost: Readonly<Record<string, number>>, none = ''): string =>
  Object.entries(cost)
    .map(([currency, minor]) => money(minor, currency))
    .join(', ') || none;
