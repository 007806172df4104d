import fc from 'fast-check';
import { subjectTypes } from './subject-types';
import { leaseOfRun, leasesOf, openLeases, principals } from './leases';
import { candidateVerbs } from './verbs';
import { delegateTestRun, only, REF, ROOMY, TestLog } from '../testing/harness';
import type { PolicyNode } from '../state/policies';

const MANY = 1_000;

function rootOf(log: TestLog, principalRef: string) {
  const agent = { class: 'worker' };
  const issued = only(log.do('openRun', { agent, principalRef, purposeRef: REF, grant: ROOMY }), 'GrantIssued');
  return { grantId: issued.grantId as string, runId: issued.runId as string };
}

/** Opens leases of two people, delegates one and revokes one. */
function world() {
  const log = new TestLog();
  const refs = ['ref_ada', 'ref_bob'].map((each) => `${each}${'0'.repeat(30 - each.length)}`);
  const roots = [0, 1, 0, 1, 0].map((who) => rootOf(log, refs[who] as string));
  const child = delegateTestRun(log, (roots[0] as { grantId: string }).grantId);
  const ended = roots[3] as { grantId: string };
  log.do('revokeGrant', { grantId: ended.grantId });
  return { log, refs, roots, child };
}

describe('the open leases of a log', () => {
  it('are listed in pages of any size, each once, in the order of their issue', () => {
    const { log, roots, child } = world();
    const open = [...roots.filter((_, i) => i !== 3), child].map(({ grantId }) => grantId);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }), (most, visited) => {
        const found: string[] = [];
        let after: number | null = -1;
        while (after !== null) {
          const page: ReturnType<typeof openLeases> = openLeases(log.state, after, most, visited, log.now);
          expect(page.items.length).toBeLessThanOrEqual(most);
          found.push(...page.items.map(({ grantId }) => grantId));
          after = page.next;
        }
        expect(found).toEqual(open);
      }),
    );
  });

  it('are no longer listed once they have expired', () => {
    const { log } = world();
    expect(openLeases(log.state, -1, MANY, MANY, log.now + 400 * 86_400_000).items).toEqual([]);
  });

  it('of a person are the root leases, newest first', () => {
    const { log, refs, roots } = world();
    const ids = (ref: string, most: number) =>
      leasesOf(log.state, ref, most, MANY, log.now).items.map(({ grantId }) => grantId);
    expect(ids(refs[0] as string, MANY)).toEqual([4, 2, 0].map((i) => roots[i]?.grantId));
    expect(ids(refs[0] as string, 2)).toEqual([4, 2].map((i) => roots[i]?.grantId));
    expect(ids(refs[1] as string, MANY)).toEqual([roots[1]?.grantId]);
    expect(ids('ref_unknown', MANY)).toEqual([]);
  });

  it('name each person once', () => {
    const { log, refs } = world();
    const all = principals(log.state, -1, MANY, MANY, log.now);
    expect([all.items.map(({ principalRef }) => principalRef), all.next]).toEqual([refs, null]);
    const first = principals(log.state, -1, 1, MANY, log.now);
    expect(first.items.map(({ principalRef }) => principalRef)).toEqual([refs[0]]);
    const second = principals(log.state, first.next as number, 1, MANY, log.now);
    expect([second.items.map(({ principalRef }) => principalRef), second.next]).toEqual([[refs[1]], null]);
  });

  it('of a run is its current one', () => {
    const { log, child } = world();
    expect(leaseOfRun(log.state, child.runId)?.grantId).toBe(child.grantId);
    expect(leaseOfRun(log.state, 'run_0_none')).toBeUndefined();
  });
});

describe('the verbs that a lease may allow', () => {
  const limits = { actions: { allow: ['repo.*', 'mail.send', 'x.y'], deny: ['repo.wipe'], mode: 'execute' } } as const;
  const catalog = { entries: [{ match: ['repo.read', 'repo.wipe', 'repo.**'] }, { match: ['other.read'] }] } as never;

  it('are those without a wildcard of the lease and of the catalog, in order and in pages', () => {
    const all = candidateVerbs({ ...limits, actions: { ...limits.actions } } as never, catalog, '', 10);
    expect(all).toEqual({ items: ['mail.send', 'repo.read', 'x.y'], next: null });
    const first = candidateVerbs(limits as never, catalog, '', 2);
    expect(first).toEqual({ items: ['mail.send', 'repo.read'], next: 'repo.read' });
    expect(candidateVerbs(limits as never, catalog, 'repo.read', 2)).toEqual({ items: ['x.y'], next: null });
  });
});

describe('the types of subjects that are people', () => {
  const typesOf = (text: string) => subjectTypes({ policies: { current: { text } as PolicyNode } as never });

  it('are those of the policy in force, and none that cannot be read', () => {
    const user = { type: 'user', prefix: 'user:' };
    expect(typesOf(JSON.stringify({ subjects: [user, { type: 'grant', prefix: 'x' }, {}] }))).toEqual([user]);
    expect(typesOf('{}')).toEqual([]);
    expect(subjectTypes({ policies: { current: undefined } as never })).toEqual([]);
  });
});
