import type { EventOf } from '@bailiwick/contracts/event';
import { LIMITS } from '@bailiwick/core/limits';
import { fromSnapshot, stateDigest, toSnapshot } from '../../state/snapshot';
import { act, only, openTestRun, ROOMY, TestLog, type CommandResult } from '../../testing/harness';

const SHORT = { ...ROOMY, time: { ttl: '2s' } };
const EFFECTS = { resources: ['file a/b'], filesChanged: ['a/b'], external: ['example.com'] };
const types = (told: CommandResult): string[] | string =>
  'events' in told ? told.events.map((event) => event.type) : told.refusal.code;

function begun(grant = SHORT) {
  const log = new TestLog();
  const run = openTestRun(log, grant);
  const permit = act(log, run.grantId, 'file.write', { cost: { USD: 3 } }) as EventOf<'ActionPermitted'>;
  const actionId = permit.actionId as string;
  const report = (more: object = {}, actor?: object): CommandResult =>
    log.try('settle', {
      actionId,
      outcome: { status: 'completed', effects: EFFECTS, ...more },
      ...(actor ? { actor } : {}),
    } as never);
  return { log, ...run, permit, report };
}

/** Time passes until the call is given up. */
function givenUp(grant = SHORT) {
  const all = begun(grant);
  all.log.now = Date.parse(all.permit.data.outcomeUntil as string);
  expect(all.log.tickAll().map(({ type }) => type)).toContain('ActionAbandoned');
  return all;
}

describe('an outcome that is reported after its permit has expired', () => {
  it('it is accepted and charged when the call began before its lease ended', () => {
    const { log, grantId, report } = begun();
    log.now += 2_500;
    expect(log.tickAll().map(({ type }) => type)).toEqual(['GrantExpired']);
    expect(types(report({ cost: { USD: 2 } }))).toEqual(['ActionCompleted']);
    expect(log.state.grants.get(grantId)?.usage.committed.cost).toEqual({ USD: 2 });
  });

  it('a permit states by when it begins and by when its outcome is reported', () => {
    const { log, permit } = begun();
    expect(Date.parse(permit.data.expiresAt)).toBe(log.now + 2_000);
    expect(Date.parse(permit.data.outcomeUntil as string)).toBe(log.now + 2_000 + LIMITS.outcomeMs);
  });

  it('it is recorded in addition once the action was given up, and changes no charge', () => {
    const { log, grantId, runId, report } = givenUp();
    const before = structuredClone(log.state.grants.get(grantId)?.usage);
    const told = report({
      cost: { USD: 900, XXX: 1 },
      labels: ['untrusted'],
      resultDigest: `sha256:${'b'.repeat(64)}`,
    });
    expect(types(told)).toEqual(['OutcomeReportedLate']);
    const late = only(log.events, 'OutcomeReportedLate');
    expect(late).toMatchObject({ runId, grantId, data: { status: 'completed', effects: EFFECTS, cost: { USD: 900 } } });
    expect(log.state.grants.get(grantId)?.usage).toEqual(before);
    expect(log.state.trees.get(late.treeId as string)?.labels).toHaveProperty('untrusted');
  });

  it.each([
    ['a second report', {}, undefined, 'ALREADY_SETTLED'],
    ['a second report of another status', { status: 'failed' }, undefined, 'ALREADY_SETTLED'],
    ['a report by another run', {}, { kind: 'run', id: `run_0_${'x'.repeat(26)}` }, 'NOT_FOUND'],
  ])('it refuses %s', (_name, more, actor, code) => {
    const { log, report } = givenUp();
    report();
    const next = log.state.next;
    expect(types(report(more, actor))).toBe(code);
    expect(log.state.next).toBe(next);
  });

  it('a failed call and the own token of the run may report late, too', () => {
    const { runId, report } = givenUp();
    expect(types(report({ status: 'failed' }, { kind: 'run', id: runId }))).toEqual(['OutcomeReportedLate']);
  });

  it('an action that was completed in time has no late report', () => {
    const { log, report } = begun();
    report();
    log.now += LIMITS.settledMs - 1;
    expect(types(report())).toBe('ALREADY_SETTLED');
  });

  it('it is recorded for an hour while the tree is known, and then only the log knows the action', () => {
    const long = { ...ROOMY, time: { ttl: '5h' } };
    for (const [ms, code] of [
      [LIMITS.lateOutcomeMs - 1_000, ['OutcomeReportedLate']],
      [LIMITS.lateOutcomeMs + 2_000, 'NOT_FOUND'],
    ] as const) {
      const { log, grantId, report } = givenUp(long);
      log.now += ms;
      act(log, grantId, 'file.read'); // what is forgotten is forgotten as events are folded
      expect(types(report())).toEqual(code);
    }
  });

  it('a retry under the same key gets the first answer', () => {
    const { log, permit } = givenUp();
    const command = log.command('settle', {
      commandId: `idk_${'k'.repeat(20)}`,
      actionId: permit.actionId as string,
      outcome: { status: 'completed' },
    });
    const first = log.submit(command);
    expect(log.submit(command)).toEqual({ ...first, again: true });
  });

  it('a snapshot keeps when the outcome is due, what was given up, and what was reported late', () => {
    const { log, grantId, report } = givenUp({ ...ROOMY, time: { ttl: '5h' } });
    act(log, grantId, 'file.read');
    for (const step of [() => undefined, report]) {
      step();
      const again = fromSnapshot(toSnapshot(log.state));
      expect(stateDigest(again)).toBe(stateDigest(log.state));
      expect([...again.actions]).toEqual([...log.state.actions]);
      expect([...again.abandoned]).toEqual([...log.state.abandoned]);
      expect(again.deadlines.peek()).toEqual(log.state.deadlines.peek());
    }
  });
});
