import { stateDigest } from './digest';
import { fromSnapshot, toSnapshot } from './snapshot';
import { emptyState, type LogState } from './state';
import { bodyDigest, evolveStored } from './stored';
import { act, delegateTestRun, openTestRun, REF, TestLog, type CommandResult } from '../testing/harness';

const PERSON = { kind: 'person', id: 'person:ann' } as const;
const code = (result: CommandResult): string => {
  if ('refusal' in result) return result.refusal.code;
  const [first] = result.events;
  return first?.type === 'Refused' ? first.data.code : (first?.type ?? 'nothing');
};
const call = (grantId: string) =>
  ({
    grantId,
    action: { verb: 'file.read' },
    resource: { type: 'file', id: 'a' },
    proof: { vouched: true },
  }) as const;

/** A log with two trees, and the events stored in it. */
class Damaged {
  readonly log = new TestLog();
  readonly mine = openTestRun(this.log);
  readonly child = delegateTestRun(this.log, this.mine.grantId);
  readonly other = openTestRun(this.log);

  /** Appends an unreadable event to the log. */
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
    ['has an unknown member', (event) => ({ ...event, extra: 1 })],
    ['lacks its data', ({ data: _, ...event }) => event],
    ['has an unknown version', (event) => ({ ...event, v: 99 })],
    ['is readable but cannot follow', (event) => ({ ...event, type: 'GrantResumed', data: { reason: { code: 'X' } } })],
  ];
  it.each(damages)('denies everything in the tree of one that %s and serves the other trees', (_what, make) => {
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

  it('allows revocation by grant and by selector, while nothing in the tree expires or is forgotten', () => {
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

  it('lets a person end the tree by position and digest, after which the tree is forgotten like any other', () => {
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

describe('issue 13.0: an event that names no tree, or may concern more than one, puts the whole log in doubt', () => {
  const damages: [string, (event: Record<string, unknown>) => unknown][] = [
    ['is no JSON', () => 'not json'],
    ['is null', () => 'null'],
    ['is a list', () => '[]'],
    ['names no tree', ({ treeId: _, ...event }) => ({ ...event, extra: 1 })],
    ['has an unknown type', (event) => ({ ...event, type: 'GrantWidened' })],
    ['is a revocation', (event) => ({ ...event, type: 'RevocationRuleAdded' })],
    ['belongs to another log', (event) => ({ ...event, log: 'default/1' })],
    ['has another position', (event) => ({ ...event, position: 0 })],
    ['belongs to another tenant', (event) => ({ ...event, tenant: 'other' })],
    ['names its tree without a valid id', (event) => ({ ...event, treeId: 'tree' })],
  ];
  it.each(damages)(
    'after one that %s, accepts only commands that take authority away until the event is set aside',
    (_what, make) => {
      const damaged = new Damaged();
      const { log, mine, other } = damaged;
      const position = damaged.damage(make);
      const opening = { agent: { class: 'worker' }, principalRef: REF, purposeRef: REF, grant: {} };
      expect(code(log.try('authorize', call(other.grantId)))).toBe('LOG_IN_DOUBT');
      expect(code(log.try('openRun', opening))).toBe('LOG_IN_DOUBT');
      expect(code(log.try('suspend', { grantId: other.grantId, reasonCode: 'X', actor: PERSON }))).toBe(
        'GrantSuspended',
      );
      expect(code(log.try('resume', { grantId: other.grantId, reasonCode: 'X', actor: PERSON }))).toBe('LOG_IN_DOUBT');
      expect(code(log.try('revokeGrant', { grantId: mine.grantId, actor: PERSON }))).toBe('GrantRevoked');
      const rule = { selector: { agentClass: 'x' }, force: true, actor: PERSON };
      expect(code(log.try('revokeSelector', { revocationId: `rev_0_${'1'.repeat(26)}`, ...rule }))).toBe(
        'RevocationRuleAdded',
      );
      expect(damaged.repair(position)).toBe('EventSetAside');
      expect(code(log.try('openRun', opening))).toBe('RunOpened');
    },
  );
});

describe('issue 13.0: every fold sets the same events aside', () => {
  it('agrees between a fold from position 0 and one from a snapshot at any position', () => {
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

  it('refuses to fold a log with a gap', () => {
    const state = emptyState('default/0', 'default', 0);
    expect(() => evolveStored(state, { position: 1, body: '{}' })).toThrow(/cannot follow/);
  });
});
