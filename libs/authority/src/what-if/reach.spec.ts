import type { CatalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import type { DecidedAction } from '@bailiwick/contracts/events/event';
import type { GrantRequest, Limits } from '@bailiwick/contracts/grants/grant';
import { tenantDefaults, resolveRoot } from '../commands/grants/resolve';
import { compileCatalog, type Catalog } from '../matching/catalog/compile';
import { changedVerbs, Reach } from './reach';

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
    reach.approval('apr_1', 'run', call('read'), call('write'));
    reach.approval('apr_2', 'run', call('read'), call('read'));
    expect(reach.summary(false).approvals).toEqual({
      checked: 2,
      count: 1,
      items: [{ approvalId: 'apr_1', runId: 'run', verb: 'parcel.track', why: 'it counts as write instead of read' }],
    });
  });
});
