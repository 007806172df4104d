import fc from 'fast-check';
import { act, openTestRun, TestLog } from '@bailiwick/authority/testing/harness';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { LIMITS } from '@bailiwick/core/limits';
import { isOutcome } from './ledger';
import { moves } from './moves';
import { chain, opened, Tally } from './naive';
import { Play } from './play';

/**
 * Fails if another run may report; if ids do not contain their position; if a permit has no deadline, or outlives its
 * grant; if an abandoned action releases its money.
 */
fc.configureGlobal({ seed: 20260107 });

const story = fc.oneof(
  moves(60),
  moves(60, ['act', 'act', 'try again', 'settle', 'repeat', 'reuse its id', 'wait', 'tick']),
);
const permitsOf = (events: readonly Event[]) =>
  events.filter((event): event is EventOf<'ActionPermitted'> => event.type === 'ActionPermitted');

describe('I7: every permitted action names the full chain up to a principal, every link an event', () => {
  it('earlier in the log, in the same tree, each link the child of the next', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const { events } = new Play().play(all).log;
      for (const permit of permitsOf(events)) {
        const before = events.slice(0, permit.position);
        const grants = chain(before, permit.grantId as string);
        // names the newest grant of the acting run
        expect(grants[0]).toMatchObject({ grantId: permit.grantId, runId: permit.runId });
        const runs = grants.map((grant) => opened(before, grant.runId));
        runs.forEach((run, i) => {
          expect(run?.treeId).toBe(permit.treeId);
          expect(run?.data.parentRunId).toBe(runs[i + 1]?.runId);
          expect(run?.data.principalRef).toBe(runs[runs.length - 1]?.data.principalRef);
        });
        expect(grants[grants.length - 1]?.data.parentId).toBeUndefined();
        const ends = grants.map((grant) => Date.parse(grant.data.limits.time.expiresAt));
        const expires = Math.min(Date.parse(permit.time) + LIMITS.permitMs, ...ends);
        expect(Date.parse(permit.data.expiresAt)).toBe(expires);
        expect(Date.parse(permit.data.outcomeUntil as string)).toBe(expires + LIMITS.outcomeMs);
        tally.add(`of ${grants.length}`);
      }
    });
    fc.assert(property, { numRuns: 150 });
    tally.atLeast(50, 'of 1', 'of 2', 'of 3');
  });
});

describe('I7: every permit ends in exactly one outcome: completed, failed or abandoned', () => {
  it('each outcome belongs to a permit of that run and is reported by that run or a service', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const { events } = new Play().play(all).log;
      const permits = permitsOf(events);
      const ids = permits.map((permit) => permit.actionId);
      expect(new Set(ids).size).toBe(ids.length);
      const ended: (string | undefined)[] = [];
      for (const event of events.filter(isOutcome)) {
        const permit = permits.find((each) => each.actionId === event.actionId && each.position < event.position);
        expect(permit).toMatchObject({ treeId: event.treeId, runId: event.runId });
        if (event.actor.kind === 'run') expect(event.actor.id).toBe(permit?.runId);
        expect(ended).not.toContain(event.actionId);
        ended.push(event.actionId);
        tally.add(event.type);
      }
      tally.add(
        'repeated',
        events.filter((event) => event.type === 'ActionPermitted' && event.commandId.startsWith('idk')).length,
      );
    });
    fc.assert(property, { numRuns: 250 });
    tally.atLeast(50, 'ActionCompleted', 'ActionFailed', 'ActionAbandoned');
  });

  it('a second report changes nothing, whatever its status and cost', () => {
    const again = fc.record({
      status: fc.constantFrom('completed' as const, 'failed' as const),
      late: fc.nat(26 * 60),
    });
    const property = fc.property(again, again, (first, second) => {
      const log = new TestLog();
      const { grantId } = openTestRun(log);
      const { actionId } = act(log, grantId, 'file.read', { cost: { USD: 3 } });
      log.do('settle', { actionId: actionId as string, outcome: { status: first.status } });
      const next = log.state.next;
      log.now += second.late * 60_000;
      const result = log.try('settle', {
        actionId: actionId as string,
        outcome: { status: second.status, cost: { USD: 900 } },
      });
      // a day later the action is forgotten
      expect(result).toMatchObject({ refusal: { code: expect.stringMatching(/^(ALREADY_SETTLED|NOT_FOUND)$/) } });
      expect(log.state.next).toBe(next);
    });
    fc.assert(property, { numRuns: 50 });
  });

  it('no permit is open past its deadline after a tick', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const play = new Play();
      play.play(all, () => {
        const { log } = play;
        const due = open(log.events).filter((permit) => Date.parse(permit.data.outcomeUntil as string) <= log.now);
        const ended = log.tickAll().filter((event) => event.type === 'ActionAbandoned');
        expect(ended.map((event) => event.actionId).sort()).toEqual(due.map((permit) => permit.actionId).sort());
        for (const event of ended) {
          // its outcome is unknown: the reserved amount counts as spent
          const permit = due.find((each) => each.actionId === event.actionId);
          expect(event.data).toMatchObject({ charge: permit?.data.charge, cost: permit?.data.charge.cost });
        }
        tally.add('abandoned', ended.length);
      });
    });
    fc.assert(property, { numRuns: 200 });
    tally.atLeast(30, 'abandoned');
  });

  it('every action, approval, grant and deadline ends eventually', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const { log } = new Play().play(all);
      const before = [open(log.events).length, log.state.deadlines.size];
      log.now += LIMITS.grantLifetimeMs;
      log.tickAll();
      expect(open(log.events)).toEqual([]);
      expect(log.events.filter(isOutcome)).toHaveLength(permitsOf(log.events).length);
      expect(log.state.actions.size).toBe(0);
      expect([...log.state.approvals.values()].filter((approval) => approval.status === 'pending')).toEqual([]);
      expect([...log.state.grants.values()].filter((grant) => ['active', 'suspended'].includes(grant.status))).toEqual(
        [],
      );
      expect(log.state.deadlines.size).toBe(0);
      for (const run of log.state.runs.values()) expect(run.pendingApprovals).toBe(0);
      for (const grant of log.state.grants.values()) {
        if (grant.supersededBy === undefined) expect([grant.inFlight, grant.usage.reserved.cost]).toEqual([0, {}]);
      }
      tally.add('was open', before[0]);
      // exactly one event each: more time passes, and no further event follows
      log.now += LIMITS.grantLifetimeMs;
      expect(log.tickAll()).toEqual([]);
    });
    fc.assert(property, { numRuns: 200 });
    tally.atLeast(100, 'was open');
  });

  function open(events: readonly Event[]): EventOf<'ActionPermitted'>[] {
    const ended = new Set(events.filter(isOutcome).map((event) => event.actionId));
    return permitsOf(events).filter((permit) => !ended.has(permit.actionId));
  }
});
