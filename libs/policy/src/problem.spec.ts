import { nearest, problemText } from './problem';

describe('the nearest known name', () => {
  const known = ['effects', 'stage', 'risk', 'reversible', 'labels', 'resource', 'attributes'];
  it.each([
    ['efects', 'effects'],
    ['effect', 'effects'],
    ['stgae', 'stage'],
    ['Risk', 'risk'],
    ['reversable', 'reversible'],
    ['lables', 'labels'],
    ['ressource', 'resource'],
  ])('of %s is %s', (name, meant) => {
    expect(nearest(name, known)).toBe(meant);
  });

  it.each(['', 'x', 'owner', 'catalogue', 'effectseffects'])('is none for %j', (name) => {
    expect(nearest(name, known)).toBeUndefined();
  });
});

describe('the text of a problem', () => {
  it('names the file, the line, the column and what is meant', () => {
    const problem = { file: 'a.yaml', line: 3, column: 5, path: 'catalog.0.efects', message: 'unknown member efects' };
    expect(problemText({ ...problem, suggestion: 'effects' })).toBe(
      'a.yaml:3:5: catalog.0.efects: unknown member efects; did you mean effects?',
    );
  });
});
