import { fromSnapshot, stateDigest, toSnapshot } from './snapshot';
import { emptyState, type LogState } from './state';
import { bodyDigest, evolveStored } from './stored';
import { act, delegateTestRun, openTestRun, REF, TestLog, type CommandResult } from '../testing/harness';

const PERSON = { kind: 'person', id: 'person:ann' } as const;
const code = (told: CommandResult): string => {
  if ('refusal' in told) return told.refusal.code;
  const [first] = told.events;
  return first?.type === 'Refused' ? first.data.code : (first?.type ?? 'nothing');
};
const call = (grantId: string) =>
  ({
    grantId,
    action: { verb: 'file.read' },
    resource: { type: 'file', id: 'a' },
    proof: { vouched: true },
  }) as const;

/** A log with two trees, and what stands in it. */
class Damaged {
  readonly log = new TestLog();
  readonly mine = openTestRun(this.log);
  readonly child = delegateTestRun(this.log, this.mine.grantId);
  readonly other = openTestRun(this.log);

  /** Puts what cannot be read at the end of the log. */
  damage(make: (event: Record<string, unknown>) => unknown, grantId = this.mine.grantId): number {
    const position = this.log.state.next;
    const denied = act(this.log, grantId, 'file.read', { resource: { type: 'file', id: 'a' } });
    const like = { ...denied, position: this.log.state.next, id: `${denied.id}x`, commandId: 'cmd_damaged0' };
    const made = make(like);
    this.log.store({ position: position + 1, body: typeof made === 'string' ? made : JSON.stringify(made) });
    return position + 1;
  }

  repair(position: number, of = this.bodyAt(position)): string {
    return code(this.log.try('setAsideEvent', { position, bodyDigest: of, actor: PERSON }));
  }

  bodyAt(position: number): string {
    return this.log.state.unreadable.get(position)?.bodyDigest ?? '';
  }
}

const tooMany = (event: Record<string, unknown>): unknown => ({
  ...event,
  data: { ...(event.data as object), labels: Array.from({ length: 99 }, (_, i) => `label${i}`) },
});

describe('issue 13.0: an event that cannot be read is contained in the tree that it names', () => {
  const damages: [string, (event: Record<string, unknown>) => unknown][] = [
    ['has more labels than an event may', tooMany],
    ['has a member that is not known', (event) => ({ ...event, extra: 1 })],
    ['lacks its data', ({ data: _, ...event }) => event],
    ['is of a version that is not known', (event) => ({ ...event, v: 99 })],
    ['can be read and cannot follow', (event) => ({ ...event, type: 'GrantResumed', data: { reason: { code: 'X' } } })],
  ];
  it.each(damages)('one that %s: its tree is decided no, the others are served', (_what, make) => {
    const damaged = new Damaged();
    const { log, mine, child, other } = damaged;
    const position = damaged.damage(make);
    expect([...log.state.unreadable.values()]).toEqual([
      { position, treeId: mine.treeId, bodyDigest: expect.stringMatching(/^sha256:/) as string },
    ]);
    for (const grantId of [mine.grantId, child.grantId]) {
      expect(code(log.try('authorize', call(grantId)))).toBe('TREE_SET_ASIDE');
      const agent = { class: 'helper' };
      expect(code(log.try('delegate', { grantId, agent, purposeRef: REF, grant: {} }))).toBe('TREE_SET_ASIDE');
      expect(code(log.try('resume', { grantId, reasonCode: 'X', actor: PERSON }))).toBe('TREE_SET_ASIDE');
    }
    expect(code(log.try('completeRun', { runId: mine.runId }))).toBe('TREE_SET_ASIDE');
    expect(code(log.try('escalate', { runId: mine.runId, want: {} }))).toBe('TREE_SET_ASIDE');
    expect(code(log.try('authorize', call(other.grantId)))).toBe('ActionPermitted');
    expect(openTestRun(log).grantId).toBeDefined();
  });

  it('its leases can be revoked, by grant and by selector, and nothing in it runs out or is forgotten', () => {
    const damaged = new Damaged();
    const { log, mine, child } = damaged;
    damaged.damage(tooMany);
    expect(code(log.try('revokeGrant', { grantId: child.grantId, actor: PERSON }))).toBe('GrantRevoked');
    expect(log.state.grants.get(child.grantId)?.status).toBe('revoked');
    const revocationId = `rev_0_${'1'.repeat(26)}`;
    const rule = { revocationId, selector: { treeId: mine.treeId }, force: true, actor: PERSON };
    expect(code(log.try('revokeSelector', rule))).toBe('RevocationRuleAdded');
    log.now += 40 * 86_400_000;
    expect(log.tickAll().filter(({ treeId }) => treeId === mine.treeId)).toEqual([]);
    expect(log.state.trees.has(mine.treeId)).toBe(true);
  });

  it('a person who has examined it ends its tree by name and digest, and then the tree is forgotten like any other', () => {
    const damaged = new Damaged();
    const { log, mine, child } = damaged;
    const position = damaged.damage(tooMany);
    expect(damaged.repair(position + 1, bodyDigest(''))).toBe('NOT_FOUND');
    expect(damaged.repair(position, bodyDigest(''))).toBe('CONFLICT');
    expect(
      code(
        log.try('setAsideEvent', {
          position,
          bodyDigest: damaged.bodyAt(position),
          actor: { kind: 'run', id: mine.runId },
        }),
      ),
    ).toBe('FORBIDDEN');
    expect(damaged.repair(position)).toBe('EventSetAside');
    expect(log.state.unreadable.size).toBe(0);
    for (const grantId of [mine.grantId, child.grantId]) {
      expect(log.state.grants.get(grantId)?.status).toBe('revoked');
      expect(act(log, grantId, 'file.read').type).toBe('ActionDenied');
    }
    expect([...log.state.actions.values()].filter(({ treeId }) => treeId === mine.treeId)).toEqual([]);
    log.now += 3_600_000;
    openTestRun(log);
    log.now += 2_000;
    openTestRun(log);
    expect(log.state.trees.has(mine.treeId)).toBe(false);
  });
});

describe('issue 13.0: an event that names no tree, or may be about more than one, is in doubt for the whole log', () => {
  const damages: [string, (event: Record<string, unknown>) => unknown][] = [
    ['is no JSON', () => 'not json'],
    ['is null', () => 'null'],
    ['is a list', () => '[]'],
    ['names no tree', ({ treeId: _, ...event }) => ({ ...event, extra: 1 })],
    ['is of a type that is not known', (event) => ({ ...event, type: 'GrantWidened' })],
    ['is a revocation', (event) => ({ ...event, type: 'RevocationRuleAdded' })],
    ['is of another log', (event) => ({ ...event, log: 'default/1' })],
    ['is of another position', (event) => ({ ...event, position: 0 })],
    ['is of another tenant', (event) => ({ ...event, tenant: 'other' })],
    ['names a tree by no id', (event) => ({ ...event, treeId: 'tree' })],
  ];
  it.each(damages)('one that %s: only what takes authority away is taken until it is set aside', (_what, make) => {
    const damaged = new Damaged();
    const { log, mine, other } = damaged;
    const position = damaged.damage(make);
    const opening = { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF, grant: {} };
    expect(code(log.try('authorize', call(other.grantId)))).toBe('LOG_IN_DOUBT');
    expect(code(log.try('openRun', opening))).toBe('LOG_IN_DOUBT');
    expect(code(log.try('suspend', { grantId: other.grantId, reasonCode: 'X', actor: PERSON }))).toBe('GrantSuspended');
    expect(code(log.try('resume', { grantId: other.grantId, reasonCode: 'X', actor: PERSON }))).toBe('LOG_IN_DOUBT');
    expect(code(log.try('revokeGrant', { grantId: mine.grantId, actor: PERSON }))).toBe('GrantRevoked');
    const rule = { selector: { agentClass: 'x' }, force: true, actor: PERSON };
    expect(code(log.try('revokeSelector', { revocationId: `rev_0_${'1'.repeat(26)}`, ...rule }))).toBe(
      'RevocationRuleAdded',
    );
    expect(damaged.repair(position)).toBe('EventSetAside');
    expect(code(log.try('openRun', opening))).toBe('RunOpened');
  });
});

describe('issue 13.0: every fold sets the same aside', () => {
  it('from the beginning, and from a snapshot at any position', () => {
    const damaged = new Damaged();
    const { log } = damaged;
    const first = damaged.damage(tooMany);
    const second = damaged.damage((event) => ({ ...event, type: 'GrantWidened' }), damaged.other.grantId);
    damaged.repair(second);
    log.try('revokeGrant', { grantId: damaged.child.grantId, actor: PERSON });
    damaged.repair(first);
    const bodies = log.events.map((event) => JSON.stringify(event));
    const fold = (state: LogState, from: number, to = bodies.length): LogState => {
      for (let position = from; position < to; position++)
        evolveStored(state, { position, body: bodies[position] as string });
      return state;
    };
    const whole = stateDigest(fold(emptyState('default/0', 'default', 0), 0));
    expect(whole).toBe(stateDigest(log.state));
    for (let at = 0; at <= bodies.length; at++) {
      const half = fold(emptyState('default/0', 'default', 0), 0, at);
      expect(stateDigest(fold(fromSnapshot(toSnapshot(half)), at))).toBe(whole);
    }
  });

  it('and a log with a gap is not folded at all', () => {
    const state = emptyState('default/0', 'default', 0);
    expect(() => evolveStored(state, { position: 1, body: '{}' })).toThrow(/cannot follow/);
  });
});
