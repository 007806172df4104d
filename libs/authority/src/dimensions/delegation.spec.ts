import { delegation, mayDelegate } from './delegation';
import { facts, NOW, situation, verdictText, wider } from '../testing/facts';

const limit = (depth: number, children: number, ...classes: string[]) => ({ depth, children, classes });

describe('delegation', () => {
  it('permits every action', () => {
    expect(verdictText(delegation.admits(limit(0, 0), facts(), situation(), NOW))).toBe('permit');
  });

  it.each([
    [limit(1, 1, '*'), 'x', 0, 'permit'],
    [limit(1, 2, 'x'), 'x', 1, 'permit'],
    [limit(0, 9, '*'), 'x', 0, 'deny DELEGATION_DEPTH'],
    [limit(1, 0, '*'), 'x', 0, 'deny DELEGATION_CHILDREN'],
    [limit(1, 2, '*'), 'x', 2, 'deny DELEGATION_CHILDREN'],
    [limit(1, 2, 'x'), 'y', 0, 'deny AGENT_CLASS_NOT_ALLOWED'],
    [limit(1, 2), 'x', 0, 'deny AGENT_CLASS_NOT_ALLOWED'],
    [limit(1, 2, 'x'), '*', 0, 'deny AGENT_CLASS_NOT_ALLOWED'],
    [limit(NaN, 2, '*'), 'x', 0, 'deny DELEGATION_DEPTH'],
  ])('answers %j for class %s with %d children made: %s', (of, agentClass, made, verdict) => {
    expect(verdictText(mayDelegate(of, agentClass, made))).toBe(verdict);
  });

  it.each([
    [2, 1, 'permit'],
    [2, 2, 'deny DELEGATION_CONCURRENT'],
    [2, NaN, 'deny DELEGATION_CONCURRENT'],
    [undefined, 9, 'permit'],
  ])('with %s at a time and %d that live: %s', (concurrent, live, verdict) => {
    const of = { ...limit(1, 10, '*'), ...(concurrent === undefined ? {} : { concurrent }) };
    expect(verdictText(mayDelegate(of, 'x', 9, live))).toBe(verdict);
  });

  it.each([
    [{ concurrent: 3 }, {}, []],
    [{ concurrent: 3 }, { concurrent: 3 }, []],
    [{ concurrent: 4 }, { concurrent: 3 }, ['delegation.concurrent']],
    [{}, { concurrent: 3 }, ['delegation.concurrent']],
    [{ ask: true as const }, {}, []],
    [{}, { ask: true as const }, ['delegation.ask']],
  ])('with %j below %j is wider at %j', (child, parent, paths) => {
    const [below, above] = [
      { ...limit(1, 4, 'x'), ...child },
      { ...limit(2, 4, 'x'), ...parent },
    ];
    expect(wider(delegation.attenuates(below, above))).toEqual(paths);
  });

  it.each([
    [limit(1, 10, '*'), 'may delegate to 10 children of any class, 1 level deep'],
    [
      { ...limit(2, 10, '*'), concurrent: 3 },
      'may delegate to at most 3 subagents at a time, 10 in all, of any class, 2 levels deep',
    ],
    [
      { ...limit(1, 1, 'x'), ask: true as const },
      'may delegate to 1 child of the class x, 1 level deep; a person must approve each',
    ],
  ])('describes %j: %s', (of, says) => {
    expect(delegation.describe(of)).toBe(says);
  });

  it.each([
    [limit(0, 0), limit(1, 1, 'x'), []],
    [limit(0, 0), limit(0, 0), []], // mayDelegate decides whether a child is allowed at all
    [limit(1, 4, 'x'), limit(2, 4, 'x', 'y'), []],
    [limit(2, 4, 'x'), limit(2, 4, 'x', 'y'), ['delegation.depth']],
    [limit(1, 5, 'x'), limit(2, 4, 'x', 'y'), ['delegation.children']],
    [limit(1, 4, 'z'), limit(2, 4, 'x', 'y'), ['delegation.classes']],
    [limit(1, 4, '*'), limit(2, 4, 'x', 'y'), ['delegation.classes']],
    [limit(1, 4, '*', 'z'), limit(2, 4, '*'), []],
    [limit(NaN, NaN), limit(2, 4), ['delegation.depth', 'delegation.children']],
  ])('%j below %j is wider at %j', (child, parent, paths) => {
    expect(wider(delegation.attenuates(child, parent))).toEqual(paths);
  });

  it('meets in the smaller numbers and the common classes', () => {
    expect(delegation.meet(limit(2, 1, '*'), limit(1, 3, 'x'))).toEqual(limit(1, 1, 'x'));
    expect(delegation.meet(limit(2, 1, '*'), limit(1, 3, '*', 'x'))).toEqual(limit(1, 1, '*', 'x'));
    expect(delegation.meet(limit(2, 1, 'x'), limit(1, 3, 'y'))).toEqual(limit(1, 1));
    expect(delegation.meet({ ...limit(1, 1), concurrent: 3 }, { ...limit(1, 1), ask: true })).toEqual({
      ...limit(1, 1),
      concurrent: 3,
      ask: true,
    });
  });
});
