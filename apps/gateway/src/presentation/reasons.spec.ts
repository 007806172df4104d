import type { Reason } from '@bailiwick/contracts/reason';
import { DIMENSIONS } from '@bailiwick/contracts/grant';
import { allReasons, withReasons } from './reasons';

const budget: Reason = { rule: 'budget', outcome: 'deny', message: 'used up "to the last"' };

it('tells every dimension, those that do not object too', () => {
  expect(allReasons([]).map(({ rule }) => rule)).toEqual(DIMENSIONS);
  expect(allReasons([budget])[0]).toBe(budget);
  expect(allReasons([budget])).toHaveLength(DIMENSIONS.length);
});

it.each<[string, object, Reason[]]>([
  ['nobody objects', { decision: 'permit', position: 1 }, []],
  ['somebody does', { decision: 'deny', left: undefined, position: 1 }, [budget]],
  ['there is nothing else to tell', {}, []],
  ['there is nothing else to tell that JSON has a word for', { actionId: undefined }, [budget]],
])('writes an object with its reasons as JSON does, where %s', (_why, value, objections) => {
  expect(JSON.parse(withReasons(value, objections))).toStrictEqual(
    JSON.parse(JSON.stringify({ ...value, reasons: allReasons(objections) })),
  );
});
