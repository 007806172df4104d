import type { ApprovalRule } from '@bailiwick/contracts/policy/approval-rule';
import { diffApprovals } from './approvals-diff';

const rule = (more: Partial<ApprovalRule> = {}): ApprovalRule => ({ name: 'refunds', ...more });
const refunds = (before: Partial<ApprovalRule>, after: Partial<ApprovalRule>) =>
  diffApprovals([rule(before)], [rule(after)]);

describe('the difference of two lists of rules about approvals', () => {
  it.each<[string, Partial<ApprovalRule>, Partial<ApprovalRule>, string, string]>([
    ['fewer people', { needed: 2 }, {}, 'milder', 'one person must approve; before: 2 different people must approve'],
    [
      'more people that must deny',
      {},
      { denials: 2 },
      'milder',
      '2 different people must deny; before: one person must deny',
    ],
    [
      'other people',
      { by: { people: ['user:ada'] } },
      { by: { people: ['user:ben'] } },
      'mixed',
      'it is approved by user:ben; before: user:ada',
    ],
    [
      'another group in addition',
      { by: { groups: ['finance'] } },
      { by: { groups: ['finance', 'sales'] } },
      'milder',
      'it is approved by a member of finance, sales; before: a member of finance',
    ],
    [
      'each approver',
      { by: { roles: ['admin'] } },
      {},
      'milder',
      'it is approved by an approver; before: someone with the role admin',
    ],
    ['fewer scopes', { scopes: ['call', 'run'] }, {}, 'stricter', 'one approval covers call; before: call or run'],
    ['four eyes', {}, { fourEyes: true }, 'stricter', 'who approved the lease may not approve this'],
    ['a shorter wait', {}, { expires: '1h' }, 'stricter', 'it waits 1h; before: it waits 1d'],
    [
      'no pause after a denial',
      {},
      { coolDown: '1m' },
      'milder',
      'it is refused for 1m after a denial; before: it is refused for 10m after a denial',
    ],
    [
      'an emergency',
      {},
      { breakGlass: { roles: ['admin'] } },
      'milder',
      'it is approved in an emergency by someone with the role admin; before: no person',
    ],
    ['other requests', { verbs: ['a.*'] }, { verbs: ['b.*'] }, 'mixed', 'it applies to other requests: verbs'],
  ])('states %s', (_what, before, after, direction, says) => {
    expect(refunds(before, after)).toEqual([{ name: 'refunds', change: 'changed', direction, says: [says] }]);
  });

  it('is empty for rules that mean the same, and names one whose words alone differ', () => {
    expect(refunds({ scopes: ['call', 'run'] }, { scopes: ['call', 'run'] })).toEqual([]);
    expect(refunds({}, { words: 'other' })).toEqual([
      { name: 'refunds', change: 'changed', direction: 'other', says: [] },
    ]);
  });

  it('is mixed if one rule becomes milder and stricter, or if another rule may decide instead', () => {
    expect(refunds({ needed: 2 }, { fourEyes: true })).toMatchObject([{ direction: 'mixed' }]);
    expect(diffApprovals([rule()], [rule(), rule({ name: 'b' })])).toMatchObject([
      { change: 'added', direction: 'mixed' },
    ]);
    const [a, b] = [rule({ name: 'a', risk: ['high'] }), rule({ name: 'b', risk: ['low'] })];
    expect(diffApprovals([a, b], [b, a])).toMatchObject([
      { name: 'a', change: 'moved', direction: 'mixed' },
      { name: 'b', change: 'moved', direction: 'mixed' },
    ]);
  });

  it('distinguishes no section from an empty one, by which no person may approve', () => {
    expect(diffApprovals(undefined, [])).toMatchObject([{ name: '*', change: 'added', direction: 'stricter' }]);
    expect(diffApprovals([], undefined)).toMatchObject([{ name: '*', change: 'removed', direction: 'milder' }]);
    expect(diffApprovals(undefined, undefined)).toEqual([]);
  });
});
