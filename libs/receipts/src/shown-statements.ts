/** Statements as receipts contain them, which must not change, with the wording that people read. */
const WORDING: ReadonlyMap<string, string> = new Map([
  ['that a person understood what she approved', 'that the approver understood the request'],
  [
    'that the log left out no event of this run: the receipt shows that what it tells is in the log, not that it is all',
    'that the log left out no event of this run: the receipt shows that its events are in the log, not that they are all',
  ],
]);

/** Returns the statements of `doesNotProve` as they are shown; any other text is shown as it is. */
export const shownStatements = (doesNotProve: readonly string[]): string[] =>
  doesNotProve.map((text) => WORDING.get(text) ?? text);
