import fc from 'fast-check';
import { deriveId } from '@bailiwick/core/derive-id';
import { act, delegateTestRun, openTestRun, ROOMY, TestLog } from '../testing/harness';
import { showLive } from '../presentation/live-leases';
import { deniedCalls, stopsCalls } from './in-flight';

const PERSON = { kind: 'person', id: 'key:responder' } as const;
const rule = (log: TestLog, name: string, mode?: 'suspend'): string => {
  const revocationId = deriveId('revocation', 0, name);
  const selector = { agentClass: 'worker' };
  log.do('revokeSelector', { revocationId, selector, force: true, actor: PERSON, ...(mode ? { mode } : {}) });
  return revocationId;
};
const stops = (log: TestLog, id: string) => stopsCalls(log.state, id, log.now);

describe('stopsCalls', () => {
  it('stops calls of a lease, and of all below it, that a revocation or a suspension strikes', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const child = delegateTestRun(log, grantId).grantId;
    expect([stops(log, grantId), stops(log, child)]).toEqual([undefined, undefined]);
    const held = rule(log, 'held', 'suspend');
    expect(stops(log, child)).toMatchObject({ status: 'suspended', revocationId: held });
    const ended = rule(log, 'ended');
    expect(stops(log, child)).toMatchObject({ status: 'revoked', revocationId: ended });
  });

  it('lets the call continue that reached the cap of its lease, until a revocation strikes', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, budget: { calls: 1, reads: 1, writes: 1 } });
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    expect(log.state.grants.get(grantId)?.status).toBe('exhausted');
    expect(stops(log, grantId)).toBeUndefined();
    const ended = rule(log, 'ended');
    expect(stops(log, grantId)).toMatchObject({ status: 'revoked', revocationId: ended });
  });

  it('stops the call that exhausted its lease if the lease above it is revoked, and calls of unknown leases', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const child = delegateTestRun(log, grantId, { budget: { calls: 1, reads: 1, writes: 1 } }).grantId;
    expect(act(log, child, 'file.read').type).toBe('ActionPermitted');
    expect(log.state.grants.get(child)?.status).toBe('exhausted');
    expect(stops(log, child)).toBeUndefined();
    log.do('revokeGrant', { grantId, actor: PERSON });
    expect(stops(log, child)).toMatchObject({ status: 'revoked' });
    expect(stops(log, `grt_0_${'9'.repeat(26)}`)).toMatchObject({ status: 'ended' });
  });

  it('stops the call that exhausted its lease when the time of the lease ends, as it stops those of any lease', () => {
    const log = new TestLog();
    const roomy = openTestRun(log).grantId;
    const { grantId } = openTestRun(log, { ...ROOMY, budget: { calls: 1, reads: 1, writes: 1 } });
    expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    const expiresAt = log.state.grants.get(grantId)?.expiresAt ?? 0;
    expect(log.state.grants.get(roomy)?.expiresAt).toBe(expiresAt);
    log.now = expiresAt - 1;
    expect([stops(log, grantId), stops(log, roomy)]).toEqual([undefined, undefined]);
    log.now = expiresAt;
    expect([stops(log, grantId), stops(log, roomy)]).toMatchObject([{ status: 'expired' }, { status: 'expired' }]);
  });

  it('stops the call that exhausted its lease when the tree is set aside', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, budget: { calls: 1, reads: 1, writes: 1 } });
    const permitted = act(log, grantId, 'file.read');
    expect(stops(log, grantId)).toBeUndefined();
    const position = log.state.next;
    log.store({ position, body: JSON.stringify({ ...permitted, position, id: `${permitted.id}x`, extra: 1 }) });
    expect(stops(log, grantId)).toMatchObject({ status: 'suspended', aside: position });
  });
});

describe('deniedCalls', () => {
  const deny = (log: TestLog, name: string, more: object = {}): string => {
    const revocationId = deriveId('revocation', 0, name);
    log.do('revokeSelector', { revocationId, force: true, actor: PERSON, selector: { tool: 'file.read' }, ...more });
    return revocationId;
  };
  const permitted = (log: TestLog, grantId: string, verb: string): string => {
    const event = act(log, grantId, verb);
    if (event.type !== 'ActionPermitted') throw new Error(`${verb}: ${event.type}`);
    return event.actionId ?? '';
  };
  const denied = (log: TestLog, ...ids: string[]) => deniedCalls(log.state, ids, log.now);

  it('lists calls of the tool below any lease that it was taken from, and no calls of other tools', () => {
    const log = new TestLog();
    const [{ grantId }, other] = [openTestRun(log), openTestRun(log)];
    const child = delegateTestRun(log, grantId).grantId;
    const [above, below] = [permitted(log, grantId, 'file.read'), permitted(log, child, 'file.read')];
    permitted(log, child, 'file.write');
    permitted(log, other.grantId, 'file.read');
    expect(denied(log, grantId, child)).toEqual([]);
    const revocationId = deny(log, 'of-tree', { selector: { tool: 'FILE.read', treeId: treeOf(log, grantId) } });
    expect(denied(log, grantId, child, other.grantId)).toEqual([
      { grantId, actionId: above, revocationId },
      { grantId: child, actionId: below, revocationId },
    ]);
    expect(denied(log, child)).toEqual([{ grantId: child, actionId: below, revocationId }]);
    expect(stopsCalls(log.state, grantId, log.now)).toBeUndefined();
  });

  it('lists calls by a pattern of verbs while a suspension of them applies', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const actionId = permitted(log, grantId, 'file.read');
    const revocationId = deny(log, 'held', { selector: { verb: 'file.*' }, mode: 'suspend' });
    expect(denied(log, grantId)).toEqual([{ grantId, actionId, revocationId }]);
    log.do('liftSuspension', { revocationId, actor: PERSON });
    expect(denied(log, grantId)).toEqual([]);
  });

  it('lists the lease in place of calls that do not fit into an answer', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    for (let n = 0; n < 3; n++) permitted(log, grantId, 'file.read');
    expect(showLive(log.state, [grantId], log.now)).toMatchObject({ ended: [], denied: [] });
    const revocationId = deny(log, 'all');
    expect(showLive(log.state, [grantId], log.now, 3)).toMatchObject({ ended: [], denied: [{}, {}, {}] });
    expect(showLive(log.state, [grantId], log.now, 2)).toMatchObject({ ended: [{ grantId, revocationId }] });
  });

  /** Of any history of calls, denials, suspensions and their ends, exactly the open calls that would be denied again now. */
  it('lists each call that a new decision would deny by a rule that is newer than its permit', () => {
    let seen = 0;
    const step = fc.record({
      kind: fc.constantFrom('act', 'act', 'act', 'settle', 'deny', 'suspend', 'resume'),
      verb: fc.constantFrom('file.read', 'file.write'),
      lease: fc.nat(1),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 4, maxLength: 14 }), (steps) => {
        const log = new TestLog();
        const leases = [openTestRun(log).grantId, openTestRun(log).grantId];
        const rules = new Set<string>();
        for (const [n, { kind, verb, lease }] of steps.entries()) {
          const grantId = leases[lease] as string;
          if (kind === 'act') act(log, grantId, verb);
          const [first] = log.state.actions.keys();
          if (kind === 'settle' && first) log.do('settle', { actionId: first, outcome: { status: 'completed' } });
          const selector = lease === 0 ? { verb } : { tool: verb, treeId: treeOf(log, grantId) };
          if (kind === 'deny') deny(log, `deny ${n}`, { selector });
          if (kind === 'suspend') rules.add(deny(log, `suspend ${n}`, { selector, mode: 'suspend' }));
          const [held] = rules;
          if (kind !== 'resume' || held === undefined) continue;
          log.do('liftSuspension', { revocationId: held, actor: PERSON });
          rules.delete(held);
        }
        const naive = [...log.state.actions.values()].filter(({ grantId, verb, position }) =>
          log.state.rules.list.some(
            (each) =>
              each.position > position &&
              !each.resumed &&
              (each.selector.verb ?? each.selector.tool) === verb &&
              (each.selector.treeId ?? treeOf(log, grantId)) === treeOf(log, grantId),
          ),
        );
        seen += naive.length;
        expect(denied(log, ...leases).map(({ actionId }) => actionId)).toEqual(naive.map(({ id }) => id));
      }),
      { numRuns: 60 },
    );
    expect(seen).toBeGreaterThan(20);
  });
});

const treeOf = (log: TestLog, grantId: string): string => log.state.grants.get(grantId)?.treeId as string;
