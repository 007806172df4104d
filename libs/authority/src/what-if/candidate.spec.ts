import type { PolicyBundle } from '@bailiwick/contracts/policy/policy-bundle';
import { replayRequest, type ReplayAnswer } from '@bailiwick/contracts/replay/replay';
import { canonicalize } from '@bailiwick/core/canonical';
import { DEFAULT_BUNDLE, DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import { tenantDefaults } from '../commands/grants/resolve';
import { emptyState } from '../state/state';
import { act, openTestRun, ROOMY, TestLog } from '../testing/harness';
import { deploy, meaning, shadow } from '../testing/policies';
import { candidateOf } from './candidate';
import { WhatIf } from './what-if';

/** Decides the calls of a log again by a bundle. */
function tried({ events }: TestLog, bundle: PolicyBundle | string, more: object = {}): ReplayAnswer {
  const candidate = candidateOf(typeof bundle === 'string' ? bundle : canonicalize(bundle));
  const request = replayRequest.parse({ change: {}, ...more });
  const rules = { judge: judgeTrajectory, catalog: DEFAULT_CATALOG, defaults: tenantDefaults };
  const whatIf = new WhatIf(emptyState('default/0', 'default', 0), request, rules, candidate);
  for (const event of events) whatIf.take(structuredClone(event));
  return whatIf.end();
}
const kinds = ({ differences }: ReplayAnswer): string[] => differences.map(({ kind }) => kind);

/** The default catalog with other entries before it. */
const withEntries = (...entries: NonNullable<PolicyBundle['catalog']>): PolicyBundle => ({
  catalog: [...entries, ...(DEFAULT_BUNDLE.value.catalog ?? [])],
});
const READS = { ...ROOMY, budget: { calls: 50, reads: 50, writes: 0, external: 0 } };

describe('a what-if under another policy', () => {
  it('decides each call as the policy classifies it, and groups what differs', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log, READS);
    const [first] = [
      act(log, grantId, 'parcel.track'),
      act(log, grantId, 'parcel.track'),
      act(log, grantId, 'file.read'),
    ];
    const result = tried(log, withEntries(...(meaning('parcel.track', 'read').catalog ?? [])));
    expect(result).toMatchObject({
      decided: 3,
      differ: 2,
      policy: { digest: expect.stringMatching(/^sha256:/) as string },
    });
    expect(result.groups).toEqual([
      {
        verb: 'parcel.track',
        before: 'deny',
        after: 'permit',
        code: 'BUDGET_EXHAUSTED',
        says: expect.stringContaining('writes are used up') as string,
        count: 2,
        example: first?.actionId,
      },
    ]);
  });

  it('charges a call by its effects under the policy, which may end its lease earlier', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log, { ...ROOMY, budget: { calls: 50, reads: 50, writes: 50, external: 1 } });
    for (let i = 0; i < 3; i++) act(log, grantId, 'parcel.fetch_label');
    for (let i = 0; i < 2; i++) act(log, grantId, 'file.read');
    const result = tried(log, meaning('parcel.fetch_label', 'external'));
    expect(result.groups.map(({ verb, after, count }) => [verb, after, count])).toEqual([
      ['parcel.fetch_label', 'deny', 2],
      ['file.read', 'deny', 2],
    ]);
  });

  it('carries the labels that the policy gives a call to the calls after it', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log);
    act(log, grantId, 'diary.read');
    expect(act(log, grantId, 'email.send').type).toBe('ActionPermitted');
    const bundle = withEntries({ match: ['diary.read'], effects: ['read'], risk: 'low', labels: ['read:secret'] });
    expect(tried(log, bundle).groups).toMatchObject([
      { verb: 'email.send', before: 'permit', after: 'deny', code: 'SECRET_EXFILTRATION' },
    ]);
  });

  it('finds no difference under the policy by which the calls were decided, whatever callers stated', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log);
    const decideSome = (): void => {
      act(log, grantId, 'file.read', { action: { verb: 'file.read', effect: 'write', risk: 'high' } });
      act(log, grantId, 'parcel.track', { action: { verb: 'parcel.track', effect: 'read' }, labels: ['untrusted'] });
      act(log, grantId, 'email.send', { action: { verb: 'email.send', tool: 'mcp__mail__send' } });
    };
    decideSome();
    expect(tried(log, DEFAULT_BUNDLE.canonical)).toMatchObject({ decided: 3, differ: 0 });
    const own = meaning('parcel.track', 'external');
    deploy(log, own);
    const from = log.events.length;
    decideSome();
    expect(tried(log, own, { from })).toMatchObject({ decided: 3, differ: 0 });
  });

  it('compares each call with the policy in force when it was decided', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log, READS);
    const bundle = withEntries(...(meaning('parcel.track', 'read').catalog ?? []));
    act(log, grantId, 'parcel.track');
    deploy(log, bundle);
    act(log, grantId, 'parcel.track');
    expect(kinds(tried(log, bundle))).toEqual(['deny->permit']);
    expect(kinds(tried(log, DEFAULT_BUNDLE.canonical))).toEqual(['permit->deny']);
  });

  it('decides over deployments and other candidates in the log', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log, READS);
    for (const bundle of [meaning('parcel.track', 'external'), meaning('parcel.track', 'read')]) {
      shadow(log, bundle, 60_000);
      deploy(log, bundle);
      act(log, grantId, 'parcel.track');
    }
    expect(kinds(tried(log, meaning('parcel.track', 'read')))).toEqual(['deny->permit']);
    expect(tried(log, meaning('parcel.track', 'write')).groups).toMatchObject([{ before: 'permit', after: 'deny' }]);
  });

  it('keeps what a caller stated beyond the catalog', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log, READS);
    act(log, grantId, 'file.read', { action: { verb: 'file.read', effect: 'write' } });
    const result = tried(log, meaning('file.read', 'read'));
    expect(result).toMatchObject({ decided: 1, differ: 0 });
    expect(result.assumes.join('\n')).not.toContain('does not show what the caller stated');
  });

  it('counts a call as recorded and as classified now if its policy is not known, and reports their number', () => {
    const log = new TestLog(judgeTrajectory);
    const { grantId } = openTestRun(log);
    deploy(log, meaning('parcel.track', 'read'));
    act(log, grantId, 'parcel.track');
    const { events } = log;
    const whole = events.filter(({ type }) => type !== 'PolicyPart' && type !== 'PolicyDeployed');
    const result = tried({ events: whole } as TestLog, meaning('parcel.track', 'external'));
    expect(result.assumes.join('\n')).toContain('The record of 1 calls does not show what the caller stated');
  });

  it('does not read a text that is no bundle', () => {
    expect([candidateOf('{"catalog":[{}]}'), candidateOf('not JSON')]).toEqual([undefined, undefined]);
  });
});
