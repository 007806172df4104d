import type { Reason } from '@bailiwick/contracts/reason';
import { DIMENSIONS, OPTIONAL_DIMENSIONS } from '@bailiwick/contracts/grants/grant';
import { allReasons, withReasons } from './reasons';

const EVERY = DIMENSIONS.filter((name) => !OPTIONAL_DIMENSIONS.some((each) => each === name));
const budget: Reason = { rule: 'budget', outcome: 'deny', message: 'used up "to the last"' };

describe('allReasons', () => {
  it('returns every dimension that each grant has, including those without an objection', () => {
    expect(allReasons([]).map(({ rule }) => rule)).toEqual(EVERY);
    expect(allReasons([budget])[0]).toBe(budget);
    expect(allReasons([budget])).toHaveLength(EVERY.length);
  });
});

describe('withReasons', () => {
  it.each<[string, object, Reason[]]>([
    ['there is no objection', { decision: 'permit', position: 1 }, []],
    ['there is an objection', { decision: 'deny', left: undefined, position: 1 }, [budget]],
    ['the object is empty', {}, []],
    ['all members are undefined', { actionId: undefined }, [budget]],
  ])('writes the same JSON as JSON.stringify if %s', (_case, value, objections) => {
    expect(JSON.parse(withReasons(value, objections))).toStrictEqual(
      JSON.parse(JSON.stringify({ ...value, reasons: allReasons(objections) })),
    );
  });
});
