import type { CommandType } from '@bailiwick/contracts/commands/command';
import type { Actor } from '@bailiwick/contracts/events/event';
import { fromSnapshot, toSnapshot } from '../../state/snapshot';
import { stateDigest } from '../../state/digest';
import { act, delegateTestRun, openTestRun, ROOMY, TestLog, type Fields } from '../../testing/harness';

const ANN: Actor = { kind: 'person', id: 'person:ann' };
const MONITOR: Actor = { kind: 'system', id: 'intent' };
const DEEP = { delegation: { depth: 2, children: 5, classes: ['*'] } };

let log: TestLog;
let top: Lease;
let middle: Lease;
let leaf: Lease;
let sibling: Lease;
interface Lease {
  readonly runId: string;
  readonly grantId: string;
}
beforeEach(() => {
  log = new TestLog();
  top = openTestRun(log, ROOMY);
  middle = delegateTestRun(log, top.grantId, DEEP);
  leaf = delegateTestRun(log, middle.grantId);
  sibling = delegateTestRun(log, top.grantId);
});

const by = ({ runId }: Lease): Actor => ({ kind: 'run', id: runId });
const suspend = ({ grantId }: Lease, actor: Actor) => resultOf('suspend', { grantId, reasonCode: 'X', actor });
const resume = ({ grantId }: Lease, actor: Actor) => resultOf('resume', { grantId, reasonCode: 'X', actor });
const revoke = ({ grantId }: Lease, actor: Actor) => resultOf('revokeGrant', { grantId, actor });
function resultOf<T extends CommandType>(type: T, fields: Fields<T>): string {
  const result = log.try(type, fields);
  if ('refusal' in result) return result.refusal.code;
  const event = result.events.at(-1);
  return event?.type === 'Refused' ? event.data.code : String(event?.type);
}
const isLive = ({ grantId }: Lease): boolean => act(log, grantId, 'file.read').type === 'ActionPermitted';

describe('the power of a run over what it delegated', () => {
  it('revokes a child with everything below it', () => {
    expect(revoke(middle, by(top))).toBe('GrantRevoked');
    expect([isLive(leaf), isLive(sibling)]).toEqual([false, true]);
  });

  it('reaches grandchildren', () => {
    expect(suspend(leaf, by(top))).toBe('GrantSuspended');
    expect([isLive(leaf), isLive(middle)]).toEqual([false, true]);
  });

  it.each<[string, () => [Lease, Actor]]>([
    ['its own lease', () => [middle, by(middle)]],
    ['the lease above it', () => [top, by(middle)]],
    ['a sibling', () => [sibling, by(middle)]],
    ['a lease of another tree', () => [openTestRun(log), by(top)]],
  ])('does not reach %s', (_, pair) => {
    const [lease, actor] = pair();
    expect([suspend(lease, actor), revoke(lease, actor), resume(lease, actor)]).toEqual(
      expect.arrayContaining(['FORBIDDEN', 'FORBIDDEN']),
    );
    expect(isLive(lease)).toBe(true);
  });

  it.each<[string, () => unknown]>([
    ['is suspended', () => suspend(top, ANN)],
    ['is revoked', () => revoke(top, ANN)],
    ['has completed', () => log.do('completeRun', { runId: top.runId })],
    [
      'has expired',
      () => {
        log.now += 2 * 3_600_000;
      },
    ],
  ])('ends when the run %s', (_, stop) => {
    stop();
    expect([suspend(leaf, by(top)), revoke(leaf, by(top))]).toEqual(['GRANT_NOT_LIVE', 'GRANT_NOT_LIVE']);
  });
});

describe('a suspension by a run', () => {
  it('is undone by that run, and after a restart too', () => {
    suspend(middle, by(top));
    const read = fromSnapshot(toSnapshot(log.state));
    expect(stateDigest(read)).toBe(stateDigest(log.state));
    Object.assign(log, { state: read });
    expect(resume(middle, by(top))).toBe('GrantResumed');
    expect(isLive(leaf)).toBe(true);
  });

  it('is undone by a person, and by no other run', () => {
    suspend(leaf, by(middle));
    expect(resume(leaf, by(top))).toBe('FORBIDDEN');
    expect(resume(leaf, ANN)).toBe('GrantResumed');
  });

  it.each<[string, () => unknown]>([
    ['a person', () => suspend(leaf, ANN)],
    ['an ancestor', () => suspend(leaf, by(top))],
    [
      'drift',
      () => log.do('recordDrift', { runId: leaf.runId, score: 0.9, features: [], monitor: 'm', actor: MONITOR }),
    ],
  ])('is replaced by one of %s, which the run cannot undo', (_, replace) => {
    suspend(leaf, by(middle));
    replace();
    expect(resume(leaf, by(middle))).toBe('FORBIDDEN');
    expect(resume(leaf, ANN)).toBe('GrantResumed');
  });

  it('is not repeated by the same run or one below it', () => {
    suspend(leaf, by(top));
    expect([suspend(leaf, by(top)), suspend(leaf, by(middle))]).toEqual(['ALREADY_ENDED', 'ALREADY_ENDED']);
    expect(resume(leaf, by(middle))).toBe('FORBIDDEN');
  });

  it('does not reset the drift of a run when the run above resumes it', () => {
    log.do('recordDrift', { runId: leaf.runId, score: 0.5, features: [], monitor: 'm', actor: MONITOR });
    suspend(leaf, by(middle));
    resume(leaf, by(middle));
    expect(log.state.runs.get(leaf.runId)?.drift).toBe(0.5);
  });

  it('becomes one by the overrun of a call below it', () => {
    const small = delegateTestRun(log, top.grantId, { ...DEEP, budget: { cost: { USD: 10 } } });
    const { grantId } = delegateTestRun(log, small.grantId);
    const permit = act(log, grantId, 'file.read', { cost: { USD: 1 } });
    suspend(small, by(top));
    log.do('settle', { actionId: permit.actionId as string, outcome: { status: 'completed', cost: { USD: 12 } } });
    expect(resume(small, by(top))).toBe('FORBIDDEN');
  });
});
