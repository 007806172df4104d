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
  });
});
