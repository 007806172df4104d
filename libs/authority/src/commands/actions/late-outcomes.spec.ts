import type { EventOf } from '@bailiwick/contracts/events/event';
import { LIMITS } from '@bailiwick/core/limits';
import { stateDigest } from '../../state/digest';
import { fromSnapshot, toSnapshot } from '../../state/snapshot';
import { act, only, openTestRun, ROOMY, TestLog, type CommandResult } from '../../testing/harness';

const SHORT = { ...ROOMY, time: { ttl: '2s' } };
const EFFECTS = { resources: ['file a/b'], filesChanged: ['a/b'], external: ['example.com'] };
const types = (result: CommandResult): string[] | string =>
  'events' in result ? result.events.map((event) => event.type) : result.refusal.code;

function started(grant = SHORT) {
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

/** Advances the clock until the call is abandoned. */
function givenUp(grant = SHORT) {
  const all = started(grant);
  all.log.now = Date.parse(all.permit.data.outcomeUntil as string);
  expect(all.log.tickAll().map(({ type }) => type)).toContain('ActionAbandoned');
  return all;
}

describe('an outcome that is reported after its permit has expired', () => {
  it('is accepted and charged if the call started before its lease ended', () => {
    const { log, grantId, report } = started();
    log.now += 2_500;
    expect(log.tickAll().map(({ type }) => type)).toEqual(['GrantExpired']);
    expect(types(report({ cost: { USD: 2 } }))).toEqual(['ActionCompleted']);
    expect(log.state.grants.get(grantId)?.usage.committed.cost).toEqual({ USD: 2 });
  });

  it('has a permit that states the times for its start and its outcome', () => {
    const { log, permit } = started();
    expect(Date.parse(permit.data.expiresAt)).toBe(log.now + 2_000);
    expect(Date.parse(permit.data.outcomeUntil as string)).toBe(log.now + 2_000 + LIMITS.outcomeMs);
  });

  it('is recorded after the action was abandoned, and changes no charge', () => {
    const { log, grantId, runId, report } = givenUp();
    const before = structuredClone(log.state.grants.get(grantId)?.usage);
    const result = report({
      cost: { USD: 900, XXX: 1 },
      labels: ['untrusted'],
      resultDigest: `sha256:${'b'.repeat(64)}`,
    });
    expect(types(result)).toEqual(['OutcomeReportedLate']);
    const late = only(log.events, 'OutcomeReportedLate');
    expect(late).toMatchObject({ runId, grantId, data: { status: 'completed', effects: EFFECTS, cost: { USD: 900 } } });
    expect(log.state.grants.get(grantId)?.usage).toEqual(before);
    expect(log.state.trees.get(late.treeId as string)?.labels).toHaveProperty('untrusted');
  });

  it.each([
    ['a second report', {}, undefined, 'ALREADY_SETTLED'],
    ['a second report of another status', { status: 'failed' }, undefined, 'ALREADY_SETTLED'],
    ['a report by another run', {}, { kind: 'run', id: `run_0_${'x'.repeat(26)}` }, 'NOT_FOUND'],
  ])('is refused as %s', (_name, more, actor, code) => {
    const { log, report } = givenUp();
    report();
    const next = log.state.next;
    expect(types(report(more, actor))).toBe(code);
    expect(log.state.next).toBe(next);
  });

  it('may be a failure, or come with the run’s own token', () => {
    const { runId, report } = givenUp();
    expect(types(report({ status: 'failed' }, { kind: 'run', id: runId }))).toEqual(['OutcomeReportedLate']);
  });

  it('is refused for an action that was completed in time', () => {
    const { log, report } = started();
    report();
    log.now += LIMITS.settledMs - 1;
    expect(types(report())).toBe('ALREADY_SETTLED');
  });

  it('is recorded for an hour while the tree is in the state, and then only the log contains the action', () => {
    const long = { ...ROOMY, time: { ttl: '5h' } };
    for (const [ms, code] of [
      [LIMITS.lateOutcomeMs - 1_000, ['OutcomeReportedLate']],
      [LIMITS.lateOutcomeMs + 2_000, 'NOT_FOUND'],
    ] as const) {
      const { log, grantId, report } = givenUp(long);
      log.now += ms;
      act(log, grantId, 'file.read'); // forgetting happens when events are folded
      expect(types(report())).toEqual(code);
    }
  });

  it('returns the original response to a retry with the same key', () => {
    const { log, permit } = givenUp();
    const command = log.command('settle', {
      commandId: `idk_${'k'.repeat(20)}`,
      actionId: permit.actionId as string,
      outcome: { status: 'completed' },
    });
    const first = log.submit(command);
    expect(log.submit(command)).toEqual({ ...first, again: true });
  });

  it('is preserved in a snapshot, with the due time and the abandoned actions', () => {
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
