import { Refused } from '../http/problems/problem';
import { read } from './evaluation';

const evaluationOf = (properties: unknown) => ({
  subject: { type: 'grant', id: `grt_0_${'0'.repeat(26)}` },
  action: { name: 'file.read' },
  resource: { type: 'file', id: 'a', properties },
});

describe('the properties of a resource in an AuthZEN evaluation', () => {
  it('become attributes if they are single values or lists of them', () => {
    const evaluation = read(evaluationOf({ a: 1, b: ['x', 2], c: [], d: { e: 1 }, f: null, g: [{ h: 1 }] }), false);
    expect(evaluation).toMatchObject({ request: { resource: { attributes: { a: 1, b: ['x', 2], c: [] } } } });
    expect(
      Object.keys((evaluation as { request: { resource: { attributes: object } } }).request.resource.attributes),
    ).toEqual(['a', 'b', 'c']);
  });

  it.each([[['secret', null]], [['secret', { x: 1 }]], [['secret', ['x']]]])(
    'are refused if a list has other values, too: %j',
    (sensitivity) => {
      expect(read(evaluationOf({ sensitivity }), false)).toBeInstanceOf(Refused);
    },
  );
});
