import { compiledRule } from '@bailiwick/authority/approvals/approval-rules';
import { compareTerms, type TermsChange } from '@bailiwick/authority/approvals/compare-terms';
import type { ApprovalRule } from '@bailiwick/contracts/policy/approval-rule';
import { DIRECTIONS, type ApprovalChange } from '@bailiwick/contracts/policy/policy-diff';
import { canonicalize } from '@bailiwick/core/canonical';

type Rules = readonly ApprovalRule[] | undefined;

/**
 * Returns what the rules about approvals of one bundle mean and those of another do not: milder ones first. Without the
 * section each approver may approve alone; with it, a request that no rule selects can be approved by no person.
 */
export function diffApprovals(before: Rules, after: Rules): ApprovalChange[] {
  const [was, is] = [byName(before), byName(after)];
  const changes = [...new Set([...was.keys(), ...is.keys()])].flatMap((name) =>
    changeOf(name, was.get(name), is.get(name)),
  );
  const all = [...sectionOf(before, after), ...changes, ...orderOf(was, is)];
  const rank = ({ direction }: ApprovalChange): number => DIRECTIONS.indexOf(direction);
  return all.sort((a, b) => rank(a) - rank(b));
}

const byName = (rules: Rules = []): ReadonlyMap<string, ApprovalRule> =>
  new Map(rules.map((rule) => [rule.name, rule]));

/** Names the section as a whole: no rule has this name. */
const SECTION = '*';

function sectionOf(before: Rules, after: Rules): ApprovalChange[] {
  if ((before === undefined) === (after === undefined)) return [];
  return after === undefined
    ? [
        {
          name: SECTION,
          change: 'removed',
          direction: 'milder',
          says: ['each approver may approve every request alone'],
        },
      ]
    : [
        {
          name: SECTION,
          change: 'added',
          direction: 'stricter',
          says: ['a request that no rule selects can be approved by no person'],
        },
      ];
}

function changeOf(name: string, was: ApprovalRule | undefined, is: ApprovalRule | undefined): ApprovalChange[] {
  // whether a rule adds or takes away depends on the rules after it, which decide without it
  if (!was || !is) return [{ name, change: was ? 'removed' : 'added', direction: 'mixed', says: [] }];
  const terms = compareTerms(compiledRule(was), compiledRule(is));
  const selects = SELECTS.filter((member) => canonicalize(was[member] ?? null) !== canonicalize(is[member] ?? null));
  const directions = new Set<TermsChange['direction']>(terms.map(({ direction }) => direction));
  if (selects.length > 0) directions.add('mixed');
  const [only = 'other'] = directions;
  if (directions.size === 0 && canonicalize(was) === canonicalize(is)) return [];
  const says = [
    ...terms.map((each) => each.says),
    ...(selects.length > 0 ? [`it applies to other requests: ${selects.join(', ')}`] : []),
  ];
  return [{ name, change: 'changed', direction: directions.size > 1 ? 'mixed' : only, says }];
}

/** The members that state to which requests a rule applies. */
const SELECTS = ['kinds', 'verbs', 'classes', 'risk', 'effects', 'cost'] as const;

/** The first rule that selects a request decides, so that the order matters. */
function orderOf(was: ReadonlyMap<string, ApprovalRule>, is: ReadonlyMap<string, ApprovalRule>): ApprovalChange[] {
  const order = [...was.keys()].filter((name) => is.has(name));
  const now = [...is.keys()].filter((name) => was.has(name));
  return order.flatMap((name, i): ApprovalChange[] => {
    const before = now[i] as string;
    if (before === name) return [];
    return [
      {
        name,
        change: 'moved',
        direction: 'mixed',
        says: [`${before} is now in its place, and the first that selects decides`],
      },
    ];
  });
}
