import { annotatedIn, annotationFault } from './argument-headers';
import { readDefinition } from './definition';

const of = (...properties: object[]) => ({
  type: 'object',
  properties: Object.fromEntries(properties.map((each, i) => [`p${i}`, each])),
});
const named = (header: unknown, type: unknown = 'string') => ({ type, 'x-mcp-header': header });

describe('arguments that headers repeat', () => {
  it('are found at any depth of properties', () => {
    expect(
      annotatedIn(
        of(named('A'), { type: 'object', properties: of(named('B', 'integer'), { type: 'string' }).properties }),
      ),
    ).toEqual([
      { path: ['p0'], header: 'A', type: 'string' },
      { path: ['p1', 'p0'], header: 'B', type: 'integer' },
    ]);
    expect(annotationFault(of(named('A'), of(named('B', 'integer'), named('C-d', 'boolean'))))).toBeUndefined();
    expect(annotationFault(undefined)).toBeUndefined();
  });

  it.each<[string, object, string]>([
    ['is empty', of(named('')), 'names no header'],
    ['is no text', of(named(7)), 'names no header'],
    ['has a space', of(named('My Region')), 'names no header'],
    ['has a line end', of(named('Region\r\nHost')), 'names no header'],
    ['is not ASCII', of(named('Région')), 'names no header'],
    ['is too long', of(named('x'.repeat(65))), 'names no header'],
    ['is of a number', of(named('A', 'number')), 'no string, integer or boolean'],
    ['is of an object', of(named('A', 'object')), 'no string, integer or boolean'],
    ['is of several types', of(named('A', ['string', 'null'])), 'no string, integer or boolean'],
    ['is that of another argument', of(named('Region'), of(named('region'))), 'the same header as another'],
  ])('make a tool unusable if the name of one %s', (_what, inputSchema, fault) => {
    expect(annotationFault(inputSchema)).toContain(fault);
    expect(readDefinition(JSON.stringify({ name: 'a', inputSchema })).fault).toContain(fault);
  });
});
