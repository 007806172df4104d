import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import type { DecidedAction } from '@bailiwick/contracts/events/event';
import type { GrantRequest, Limits } from '@bailiwick/contracts/grants/grant';
import { tenantDefaults, resolveRoot } from '../commands/grants/resolve';
import { compileCatalog, type Catalog } from '../matching/catalog/compile';
import type { ApprovalRule } from '@bailiwick/contracts/policy/approval-rule';
import { approvalRulesOf, type Question } from '../approvals/approval-rules';
import { agentsOf } from '../manifests/agents';
import { manifests, type ManifestFields } from '../testing/policies';
import { changedVerbs, Reach, type Ruled } from './reach';

const QUESTION: Question = {
  kind: 'action',
  agentClass: 'worker',
  risk: 'low',
  verb: 'parcel.track',
  effects: ['read'],
  cost: {},
};

const catalog = (...entries: CatalogEntry[]): Catalog => {
  const compiled = compileCatalog(entries);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value;
};
const entry = (verb: string, effect: CatalogEntry['effects'][number], risk: CatalogEntry['risk'] = 'low') =>
  ({ match: [verb], effects: [effect], risk }) satisfies CatalogEntry;
const limits = (grant: GrantRequest): Limits => {
  const resolved = resolveRoot(grant, tenantDefaults(0), 0);
  if (!resolved.ok) throw new Error(resolved.error.detail);
  return resolved.value;
};
const lease = (grantId: string, grant: GrantRequest, agentClass = 'worker') => ({
  grantId,
  runId: 'run',
  treeId: 'tree',
  agentClass,
  limits: limits(grant),
  issuedAt: 0,
});
const READS: GrantRequest = {
  actions: { allow: ['parcel.*'] },
  resources: [{ type: '*', match: '**' }],
  budget: { calls: 9, reads: 9, writes: 0, external: 0 },
};

describe('the reach of another catalog', () => {
  const [before, after] = [
    catalog(entry('parcel.track', 'read'), entry('parcel.ship', 'external', 'medium'), entry('parcel.list', 'read')),
    catalog(entry('parcel.track', 'write'), entry('parcel.ship', 'external', 'high'), entry('parcel.list', 'read')),
  ];

  it('covers the verbs that count as something else, of both catalogs and of recorded calls', () => {
    const names = changedVerbs(before, after, [
      ['parcel.track', 'scanner'],
      ['parcel.list', undefined],
    ]).map(({ verb, tool }) => [verb, tool]);
    expect(names).toEqual([
      ['parcel.track', 'scanner'],
      ['parcel.track', undefined],
      ['parcel.ship', undefined],
    ]);
  });

  it('counts the leases that would decide a verb more strictly, with the reason', () => {
    const reach = new Reach(changedVerbs(before, after, []));
    reach.grant(lease('reads', READS));
    reach.grant(lease('ships', { ...READS, budget: { calls: 9, writes: 9, external: 9 } }, 'mailer'));
    reach.grant(lease('other', { ...READS, actions: { allow: ['file.*'] } }));
    reach.grant(lease('writes', { ...READS, actions: { allow: ['parcel.track'] }, budget: { calls: 9, writes: 9 } }));
    const { grants } = reach.summary(false);
    expect(grants).toMatchObject({ checked: 4, count: 2, byClass: { worker: 1, mailer: 1 } });
    expect(grants.items.map(({ grantId, losses }) => [grantId, losses])).toEqual([
      ['reads', [{ verb: 'parcel.track', before: 'permit', after: 'deny', code: 'BUDGET_EXHAUSTED' }]],
      [
        'ships',
        [
          {
            verb: 'parcel.ship',
            before: 'permit',
            after: 'step-up',
            code: expect.stringMatching(/APPROVAL/) as string,
          },
        ],
      ],
    ]);
  });

  it('finds nothing to lose in a catalog that is milder', () => {
    const reach = new Reach(changedVerbs(after, before, []));
    reach.grant(lease('reads', READS));
    expect(reach.summary(false).grants.count).toBe(0);
  });

  it('counts the pending requests whose call has other effects', () => {
    const call = (effect: string): DecidedAction => ({ verb: 'parcel.track', effect }) as DecidedAction;
    const reach = new Reach([]);
    reach.request({ approvalId: 'apr_1', runId: 'run', question: QUESTION, call: [call('read'), call('write')] });
    reach.request({ approvalId: 'apr_2', runId: 'run', question: QUESTION, call: [call('read'), call('read')] });
    expect(reach.summary(false).approvals).toEqual({
      checked: 2,
      count: 1,
      items: [{ approvalId: 'apr_1', runId: 'run', verb: 'parcel.track', why: 'it counts as write instead of read' }],
    });
  });

  it('counts the pending requests that other people, or more of them, would have to approve', () => {
    const rules = (...entries: Omit<ApprovalRule, 'name'>[]) =>
      approvalRulesOf(entries.map((each, i) => ({ name: `r${i}`, ...each })));
    const why = (before: ReturnType<typeof rules>, after: ReturnType<typeof rules>): string | undefined => {
      const reach = new Reach([], { approvals: before }, { approvals: after });
      reach.request({ approvalId: 'apr_1', runId: 'run', question: QUESTION });
      return reach.summary(false).approvals.items[0]?.why;
    };
    const one = rules({ by: { roles: ['approver'] } });
    expect(why(one, rules({ classes: ['other'] }, { by: { roles: ['approver'] } }))).toBeUndefined();
    expect(why(one, rules({ by: { roles: ['approver'] }, needed: 2 }))).toBe(
      '2 different people must approve; before: one person must approve',
    );
    expect(why(one, rules({ classes: ['other'] }))).toBe('no person may approve it');
    expect(why(undefined, one)).toBe(
      'it is approved by someone with the role approver; before: an approver; one approval covers call; before: call or target or run',
    );
  });

  it('counts the leases of which the manifest of their class would leave less than now', () => {
    const agents = (...fields: ManifestFields[]) => agentsOf(manifests(...fields).agents);
    const narrower = (before: Ruled['agents'], after: Ruled['agents']): string[] | undefined => {
      const reach = new Reach([], { agents: before }, { agents: after });
      reach.grant(lease('reads', READS));
      return reach.summary(false).grants.items[0]?.narrower;
    };
    const few = agents({ class: 'worker', most: { budget: { calls: 5 } } });
    const fewer = agents({ class: 'worker', most: { budget: { calls: 4, reads: 1 } } });
    expect(narrower(undefined, few)).toEqual(['budget.calls']);
    expect(narrower(few, fewer)).toEqual(['budget.reads']);
    expect(narrower(few, few)).toBeUndefined();
    expect(narrower(few, undefined)).toBeUndefined();
    expect(narrower(few, agents({ class: 'other' }))).toEqual(['actions']);
  });
});
