import fc from 'fast-check';
import {
  delegateTestRun,
  NO_ARGS,
  only,
  openTestRun,
  ROOMY,
  TestLog,
  type Fields,
} from '@bailiwick/authority/testing/harness';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { call, sent } from './asked-for';
import { CHANGES, moves, PERSON } from './moves';
import { Tally } from './naive';
import { asked, changed, Play } from './play';

/**
 * Fails if an approval is not used up; if arguments, cost, run or attributes are not bound to it; if a run may approve;
 * if an approval can be used or answered after its expiry; if it overrides a denial; if an expired one hides the next.
 */
fc.configureGlobal({ seed: 20260108 });

const story = fc.oneof(
  moves(60),
  moves(60, ['act', 'act', 'try again', 'try again', 'open', 'answer', 'answer', 'escalate', 'repeat', 'wait']),
);
const before = <T extends Event['type']>(events: readonly Event[], type: T, at: Event): EventOf<T>[] =>
  events.filter((event): event is EventOf<T> => event.type === type && event.position < at.position);

/** Returns the call that the approver was shown and approved, as the log records it. */
function shown(event: EventOf<'ActionStepUp'> | EventOf<'ActionPermitted'>) {
  const { verb, tool, effect, resource, argsDigest, charge } = event.data;
  return { runId: event.runId, verb, tool, effect, resource, argsDigest, cost: charge.cost };
}

describe('I8: an approval covers one exact action (verb, resource, arguments digest, run), once, before its expiry', () => {
  it('every permit that used an approval matches the approved call', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const { events } = new Play().play(all).log;
      const used: string[] = [];
      for (const event of events) {
        if (event.type !== 'ActionPermitted' && event.type !== 'GrantIssued') continue;
        const { approvalId } = event.data;
        if (approvalId === undefined) continue;
        expect(used).not.toContain(approvalId);
        used.push(approvalId);
        const given = before(events, 'ApprovalGiven', event).filter((each) => each.data.approvalId === approvalId);
        expect(given).toHaveLength(1);
        expect(given[0]?.data.verdict).toBe('approve');
        const [request] = before(events, 'ApprovalRequested', event).filter(
          (each) => each.data.approvalId === approvalId,
        );
        expect(request?.runId).toBe(event.runId);
        expect(Date.parse(given[0]?.time as string)).toBeLessThan(Date.parse(request?.data.expiresAt as string));
        if (event.type === 'GrantIssued') {
          expect(event.data).toMatchObject({ limits: request?.data.limits, approvedBy: given[0]?.actor.id });
          tally.add(request?.data.kind as string);
          continue;
        }
        expect(Date.parse(event.time)).toBeLessThan(Date.parse(given[0]?.data.usableUntil as string));
        const asked = before(events, 'ActionStepUp', event).filter((each) => each.data.approvalId === approvalId);
        for (const each of asked) expect(shown(each)).toEqual(shown(event));
        expect(asked.map((each) => each.actionId)).toContain(request?.actionId);
        tally.add('action');
      }
    });
    fc.assert(property, { numRuns: 120 });
    tally.atLeast(20, 'action', 'grant', 'escalation');
  });

  it('an approval is given once, by a person or a service acting for one, never by a run or by the system', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const { events } = new Play().play(all).log;
      const given = events.filter((event) => event.type === 'ApprovalGiven');
      for (const event of given) expect(['person', 'service']).toContain(event.actor.kind);
      const ids = events.flatMap((each) =>
        each.type === 'ApprovalGiven' || each.type === 'ApprovalExpired' ? [each.data.approvalId] : [],
      );
      expect(new Set(ids).size).toBe(ids.length);
      const refused = events.filter((event) => event.type === 'Refused' && event.data.command === 'decideApproval');
      tally.add(
        'refused a run or the system',
        refused.filter((event) => ['run', 'system'].includes(event.actor.kind)).length,
      );
      tally.add('given', given.length);
    });
    fc.assert(property, { numRuns: 100 });
    tally.atLeast(20, 'refused a run or the system', 'given');
  });

  it('a call that requires approval is never permitted without one', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      for (const event of new Play().play(all).log.events) {
        if (event.type !== 'ActionPermitted') continue;
        const objections = event.data.reasons.filter((reason) => reason.outcome !== 'permit');
        for (const reason of objections) expect(reason.outcome).toBe('step-up');
        if (objections.length > 0) expect(event.data.approvalId).toBeDefined();
        tally.add(objections.length > 0 ? 'asked about' : 'not asked about');
      }
    });
    fc.assert(property, { numRuns: 100 });
    tally.atLeast(20, 'asked about', 'not asked about');
  });
});

/** Opens a run that has requested approval of a call, and another run of the same class with the same lease. */
function waiting(fields: Partial<Fields<'authorize'>>) {
  const play = new Play();
  const { log } = play;
  const root = openTestRun(log, {
    ...ROOMY,
    time: { ttl: '3d' },
    budget: { ...ROOMY.budget, cost: { USD: 1_000, EUR: 1_000 } },
  });
  const [grantId, other] = [delegateTestRun(log, root.grantId).grantId, delegateTestRun(log, root.grantId).grantId];
  const command = log.command('authorize', {
    grantId,
    action: { verb: 'thing.delete', argsDigest: NO_ARGS },
    resource: { type: 'file', id: 'a/b' },
    proof: { vouched: true },
    ...fields,
  });
  if (command.type !== 'authorize') throw new Error('unreachable');
  const stepUp = 'events' in log.submit(command) ? log.events[log.events.length - 1] : undefined;
  if (stepUp?.type !== 'ActionStepUp') throw new Error('want a step-up');
  return { play, log, command, other, approvalId: stepUp.data.approvalId, runId: stepUp.runId as string };
}
// a call without arguments is refused before an approval is requested (I8)
const deleting = call.map(({ resource, cost, args = 0, tool }) => {
  const { grantId: _, action, ...rest } = asked('', { verb: 'thing.delete', resource, cost, args, tool });
  return { ...rest, action };
});

describe('I8: an approval is bound to the call it was requested for', () => {
  it('permits the unchanged call once', () => {
    const property = fc.property(deleting, (fields) => {
      const { log, command, approvalId } = waiting(fields);
      log.do('decideApproval', { approvalId, verdict: 'approve', actor: PERSON });
      const outcomes = [1, 2].map((n) =>
        decisionOf(log.submit({ ...command, approvalId, commandId: `cmd_again_000${n}` })),
      );
      expect(outcomes).toEqual(['ActionPermitted', 'ActionDenied']);
    });
    fc.assert(property, { numRuns: 80 });
  });

  it.each([...CHANGES])('refuses a call with a different %s and leaves the approval unused', (change) => {
    const tally = new Tally();
    const property = fc.property(deleting, call, (fields, second) => {
      const { play, log, command, approvalId, other } = waiting(fields);
      log.do('decideApproval', { approvalId, verdict: 'approve', actor: PERSON });
      const changedFields = change === 'run' ? { ...command, grantId: other } : changed(play, command, change, second);
      const differing = JSON.stringify(seen(changedFields)) !== JSON.stringify(seen(command));
      const result = log.submit({ ...command, ...changedFields, approvalId, commandId: 'cmd_changed_1' });
      // (a change without effect, or one that prevents a decision, proves nothing)
      if (!differing || 'refusal' in result) return;
      expect(decisionOf(result)).not.toBe('ActionPermitted');
      expect(JSON.stringify(result.events)).toContain('APPROVAL_MISMATCH');
      expect(decisionOf(log.submit({ ...command, approvalId, commandId: 'cmd_unchanged' }))).toBe('ActionPermitted');
      tally.add('changed');
    });
    fc.assert(property, { numRuns: change === 'effect' ? 400 : 80 });
    tally.atLeast(15, 'changed');
  });
  type Seen = {
    grantId: string;
    action: { verb: string; tool?: string; effect?: string; argsDigest?: string };
    resource: object;
    cost?: Record<string, number>;
  };
  /** Returns the call as the approver sees it: no cost is a zero cost, and a delete counts as a write. */
  const seen = ({ grantId, action: { verb, tool, argsDigest, effect = 'write' }, resource, cost = {} }: Seen) => {
    const counted = effect === 'read' ? 'write' : effect;
    return [grantId, verb, tool, argsDigest, counted, resource, Object.entries(cost).filter(([, value]) => value > 0)];
  };

  it('ends when it is denied, when the request expires or when the approval expires', () => {
    const ends = fc.constantFrom<['not answered' | 'denied' | 'too late to answer' | 'too late to use', string][]>(
      ['not answered', 'ActionStepUp'],
      ['denied', 'ActionDenied'],
      ['too late to answer', 'ActionDenied'],
      ['too late to use', 'ActionDenied'],
    );
    const property = fc.property(deleting, ends, fc.boolean(), (fields, [end, outcome], tick) => {
      const { log, command, approvalId } = waiting(fields);
      const long = {
        'not answered': 1_000,
        denied: 1,
        'too late to answer': 24 * 3_600_000,
        'too late to use': 3_600_000,
      };
      if (end === 'denied' || end === 'too late to use')
        log.do('decideApproval', { approvalId, verdict: end === 'denied' ? 'deny' : 'approve', actor: PERSON });
      log.now += long[end];
      if (tick) log.tickAll();
      if (end === 'too late to answer')
        expect(log.try('decideApproval', { approvalId, verdict: 'approve', actor: PERSON })).toMatchObject({
          refusal: { code: 'ALREADY_DECIDED' },
        });
      expect(decisionOf(log.submit({ ...command, approvalId, commandId: 'cmd_then_now' }))).toBe(
        end === 'too late to answer' && !tick ? 'ActionStepUp' : outcome,
      );
    });
    fc.assert(property, { numRuns: 80 });
  });

  it('is never approved by the run itself, by any other run or by the system', () => {
    const property = fc.property(deleting, fc.constantFrom('own', 'another', 'system'), (fields, who) => {
      const { log, command, approvalId, runId } = waiting(fields);
      const actor = {
        own: { kind: 'run' as const, id: runId },
        another: { kind: 'run' as const, id: log.events[0]?.runId as string },
        system: { kind: 'system' as const, id: 'intent' },
      }[who];
      const result = log.do('decideApproval', { approvalId, verdict: 'approve', actor: actor ?? PERSON });
      expect(result.map((event) => event.type)).toEqual(['Refused']);
      expect(decisionOf(log.submit(sent({ ...command, approvalId, commandId: 'cmd_then_now' })))).toBe('ActionStepUp');
    });
    fc.assert(property, { numRuns: 40 });
  });

  it('is requested once, even if the previous request has expired and its expiry is not yet recorded', () => {
    const { log, command, approvalId } = waiting({});
    const again = (n: number) => log.do('authorize', { ...command, commandId: `cmd_again_000${n}` });
    const idOf = (events: readonly Event[]) => only(events, 'ActionStepUp').data.approvalId;
    expect(idOf(again(1))).toBe(approvalId);
    log.now += 24 * 3_600_000;
    const second = idOf(again(2));
    expect(second).not.toBe(approvalId);
    log.tickAll();
    expect(again(3).map((event) => event.type)).toEqual(['ActionStepUp']);
    expect(idOf(again(4))).toBe(second);
  });

  it('does not turn a denial into a permit', () => {
    const { log, command, approvalId } = waiting({});
    log.do('decideApproval', { approvalId, verdict: 'approve', actor: PERSON });
    log.do('suspend', { grantId: command.grantId, reasonCode: 'X' });
    expect(decisionOf(log.submit({ ...command, approvalId, commandId: 'cmd_suspended' }))).toBe('ActionDenied');
    log.do('resume', { grantId: command.grantId, reasonCode: 'X' });
    expect(decisionOf(log.submit({ ...command, approvalId, commandId: 'cmd_resumed_1' }))).toBe('ActionPermitted');
  });
});

function decisionOf(result: ReturnType<TestLog['submit']>): string | undefined {
  return 'events' in result
    ? result.events.find((event) => event.type.startsWith('Action'))?.type
    : result.refusal.code;
}
