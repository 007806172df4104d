import type { Attribute } from '@bailiwick/contracts/actions/action';
import { contradictionIn } from './contradictions';

type Attributes = Record<string, Attribute>;

describe('contradictionIn', () => {
  it.each<[string, Record<string, unknown>, Attributes]>([
    ['another number', { amount: 41 }, { amount: 42 }],
    ['another text', { region: 'eu' }, { region: 'us' }],
    ['another case of a text', { region: 'eu' }, { region: 'EU' }],
    ['another case of the name', { Amount: 41 }, { amount: 42 }],
    ['another spelling of the name', { order_amount: 41 }, { orderAmount: 42 }],
    ['a look-alike name', { '\u0430mount': 41 }, { amount: 42 }],
    ['a text for a truth value', { urgent: true }, { urgent: 'true' }],
    ['another numeric text', { amount: '41' }, { amount: 42 }],
    ['a text that only reads like the number', { amount: 41 }, { amount: '0x29' }],
    ['a text with leading zeros', { account: '041' }, { account: 41 }],
    ['a number beyond the exact ones', { id: '9007199254740993' }, { id: 9007199254740992 }],
    ['fewer elements', { to: ['a', 'b'] }, { to: ['a'] }],
    ['more elements', { to: ['a'] }, { to: ['a', 'b'] }],
    ['one of several elements', { to: ['a', 'b'] }, { to: 'a' }],
    ['no element', { to: ['a'] }, { to: [] }],
    ['another text next to an object', { to: ['b', { mail: 'a' }] }, { to: ['a'] }],
    ['another number next to null', { ids: [7, null] }, { ids: 8 }],
    ['one of two arguments of that name', { amount: 42, Amount: 41 }, { amount: 42 }],
    ['one of two attributes of that name', { amount: 42 }, { amount: 42, Amount: 41 }],
    ['a name that every object inherits', { constructor: 1 }, { constructor: 2 }],
  ])('finds %s', (_what, args, attributes) => {
    expect(contradictionIn(args, attributes)).toBeDefined();
  });

  it.each<[string, Record<string, unknown>, Attributes]>([
    ['the same number', { amount: 41 }, { amount: 41 }],
    ['the number as text', { amount: 41 }, { amount: '41' }],
    ['the number with a fraction of zeros', { amount: '41.0' }, { amount: 41 }],
    ['the same decimal in two spellings', { amount: '41.50' }, { amount: '41.5' }],
    ['zero', { amount: -0 }, { amount: '0' }],
    ['the same elements in another order', { to: ['a', 'b'] }, { to: ['b', 'a'] }],
    ['a list of only that value', { to: 'a' }, { to: ['a'] }],
    ['an argument that states no value', { region: null }, { region: 'eu' }],
    ['an object', { region: { name: 'us' } }, { region: 'eu' }],
    ['a list of objects', { to: [{ mail: 'b' }] }, { to: ['a'] }],
    ['a text of the list next to an object', { to: ['a', { mail: 'b' }] }, { to: ['a', 'b'] }],
    ['an argument of another name', { count: 41 }, { amount: 42 }],
    ['an argument inside an object', { order: { amount: 41 } }, { amount: 42 }],
    ['an attribute without an argument', {}, { toString: 'x' }],
  ])('does not find %s', (_what, args, attributes) => {
    expect(contradictionIn(args, attributes)).toBeUndefined();
  });
});
