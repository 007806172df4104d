import { judgeTrajectory } from '@bailiwick/trajectory/sequence-rules';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { fromSnapshot, toSnapshot } from '../../state/snapshot';
import { stateDigest } from '../../state/digest';
import { act, NO_ARGS, only, openTestRun, ROOMY, TestLog } from '../../testing/harness';

const ANN = { kind: 'person', id: 'person:ann' } as const;
const PUSH = { resource: { type: 'repo', id: 'acme/clord' } };

let log: TestLog;
let coder: { runId: string; treeId: string; grantId: string };
let service: { runId: string; treeId: string; grantId: string };
let call: EventOf<'ActionPermitted'>;
beforeEach(() => {
  log = new TestLog(judgeTrajectory);
  coder = openTestRun(log, { ...ROOMY, budget: { ...ROOMY.budget, calls: 10 } }, 'coder');
  service = openTestRun(log, ROOMY, 'version-control');
  call = callTo('version-control');
});

const callTo = (agent: string) =>
  act(log, coder.grantId, 'agent.call', { resource: { type: 'agent', id: agent } }) as EventOf<'ActionPermitted'>;
const serve = (actionId = call.actionId as string, grantId = service.grantId) =>
  log.try('authorize', {
    grantId,
    action: { verb: 'repo.write', argsDigest: NO_ARGS },
    ...PUSH,
    proof: { vouched: true },
    onBehalfOf: { actionId },
  });
const settleCall = () => log.do('settle', { actionId: call.actionId as string, outcome: { status: 'completed' } });
function eventsOf(result: ReturnType<typeof serve>): Event[] {
  if ('refusal' in result) throw new Error(result.refusal.detail);
  return result.events;
}
const codesOf = (result: ReturnType<typeof serve>): unknown =>
  only(eventsOf(result), 'ActionDenied').data.reasons.map(({ code }) => code);

describe('a brokered call', () => {
  it('is recorded on both sides, and charged to the service alone', () => {
    const events = eventsOf(serve());
    const permit = only(events, 'ActionPermitted');
    expect(permit.data.calledBy).toEqual({ actionId: call.actionId, runId: coder.runId, treeId: coder.treeId });
    expect(only(events, 'ActionCalled')).toMatchObject({
      runId: coder.runId,
      treeId: coder.treeId,
      actionId: call.actionId,
      data: { called: { actionId: permit.actionId, runId: service.runId, treeId: service.treeId } },
    });
    const calls = (grantId: string) => log.state.grants.get(grantId)?.usage.committed.calls;
    expect([calls(coder.grantId), calls(service.grantId)]).toEqual([1, 1]);
  });

  it('is denied to a service that the caller was not permitted to call', () => {
    const other = openTestRun(log, ROOMY, 'mailer');
    expect(codesOf(serve(call.actionId, other.grantId))).toEqual(['CALL_TO_ANOTHER']);
    const file = act(log, coder.grantId, 'file.read');
    expect(codesOf(serve(file.actionId))).toEqual(['CALL_TO_ANOTHER']);
  });

  it('is denied once the call has an outcome', () => {
    settleCall();
    expect(codesOf(serve())).toEqual(['CALL_NOT_IN_FLIGHT']);
  });

  it('is used by one permit, whose own steps name that permit', () => {
    const first = only(eventsOf(serve()), 'ActionPermitted');
    expect(codesOf(serve())).toEqual(['CALL_ALREADY_USED']);
    const inside = log.do('authorize', {
      grantId: service.grantId,
      action: { verb: 'repo.read', argsDigest: NO_ARGS },
      ...PUSH,
      proof: { vouched: true },
      parentActionId: first.actionId,
    });
    expect(inside[0]?.type).toBe('ActionPermitted');
  });

  it('stays usable if the service was denied', () => {
    const small = openTestRun(log, { ...ROOMY, actions: { allow: ['repo.read'] } }, 'version-control');
    only(eventsOf(serve(call.actionId, small.grantId)), 'ActionDenied');
    expect(eventsOf(serve()).map(({ type }) => type)).toEqual(['ActionPermitted', 'ActionCalled']);
  });

  it('brings what the service has read into the tree of the caller', () => {
    const events = log.do('authorize', {
      grantId: service.grantId,
      action: { verb: 'file.read', argsDigest: NO_ARGS },
      resource: { type: 'file', id: 'a/b' },
      labels: ['read:secret'],
      proof: { vouched: true },
      onBehalfOf: { actionId: call.actionId as string },
    });
    expect(only(events, 'ActionCalled').data.labels).toContain('read:secret');
    const sent = act(log, coder.grantId, 'email.send', { resource: { type: 'mailbox', id: 'x@example.com' } });
    expect([sent.type, sent.data.reasons.map(({ code }) => code)]).toEqual(['ActionDenied', ['SECRET_EXFILTRATION']]);
  });

  it('is denied once the lease of the caller is revoked', () => {
    log.do('revokeGrant', { grantId: coder.grantId, actor: ANN });
    expect(codesOf(serve())).toEqual(['CALLER_NOT_LIVE']);
  });

  it('gives the service no authority of the caller, and the caller none of the service', () => {
    const small = openTestRun(log, { ...ROOMY, actions: { allow: ['repo.read'] } }, 'version-control');
    expect(only(eventsOf(serve(call.actionId, small.grantId)), 'ActionDenied').data.reasons[0]?.rule).toBe('grant');
    expect(act(log, coder.grantId, 'repo.write', PUSH).data).not.toHaveProperty('calledBy');
  });

  it('is refused for a call that is unknown or of the same tree', () => {
    const own = act(log, service.grantId, 'agent.call', { resource: { type: 'agent', id: 'version-control' } });
    const refused = [serve(own.actionId), serve('act_0_00000000000000000000000000')];
    expect(refused.map((each) => 'refusal' in each && each.refusal.code)).toEqual(['BAD_REQUEST', 'NOT_FOUND']);
  });

  it('continues after a restart from a snapshot', () => {
    const read = fromSnapshot(toSnapshot(log.state));
    expect(stateDigest(read)).toBe(stateDigest(log.state));
    Object.assign(log, { state: read });
    expect(eventsOf(serve()).map(({ type }) => type)).toEqual(['ActionPermitted', 'ActionCalled']);
    const again = fromSnapshot(toSnapshot(log.state));
    expect(stateDigest(again)).toBe(stateDigest(log.state));
    Object.assign(log, { state: again });
    expect(codesOf(serve())).toEqual(['CALL_ALREADY_USED']);
  });
});
