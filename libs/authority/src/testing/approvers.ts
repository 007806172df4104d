import type { Actor, Event, EventOf } from '@bailiwick/contracts/events/event';
import type { Payload } from '@bailiwick/contracts/events/event';
import type { ApprovalRule } from '@bailiwick/contracts/policy/approval-rule';
import { act, only, openTestRun, ROOMY, type CommandResult, type Fields, type TestLog } from './harness';
import { deploy } from './policies';

export const person = (name: string, ...groups: string[]): Actor => ({
  kind: 'person',
  id: `user:${name}@example.com`,
  role: 'approver',
  ...(groups.length > 0 ? { groups } : {}),
});
export const ADA = person('ada');
export const BEN = person('ben', 'finance');
export const CAM = person('cam', 'finance', 'on-call');
/** A key that several people share. */
export const SHARED: Actor = { kind: 'person', id: 'key:approver', role: 'approver' };

/** A note, as the payload of an answer. */
export const noted = (note: string): Payload => ({ salt: 'A'.repeat(22), value: { note } });

/** A lease under which high-risk calls need a person. */
export const CAREFUL = { ...ROOMY, risk: { ceiling: 'high', approvalFrom: 'high' } } as const;

/** Deploys rules about approvals, without a catalog: high-risk calls have the risk that they state. */
export const rule = (log: TestLog, ...approvals: ApprovalRule[]): Event[] => deploy(log, { approvals });

export type Call = Partial<Fields<'authorize'>>;

/** A payment of some cents. */
export const payment = (cents = 500, more: Call = {}): Call => ({
  action: { verb: 'payment.send', effect: 'external', risk: 'high', argsDigest: `sha256:${'a'.repeat(64)}` },
  resource: { type: 'account', id: 'acme' },
  cost: { USD: cents },
  ...more,
});

/** A log with a run whose payment waits for a person. */
export function askedFor(log: TestLog, call: Call = payment()): { runId: string; grantId: string; approvalId: string } {
  const { runId, grantId } = openTestRun(log, CAREFUL);
  return { runId, grantId, approvalId: ask(log, grantId, call).data.approvalId };
}

export const ask = (log: TestLog, grantId: string, call: Call = payment()): EventOf<'ActionStepUp'> =>
  only([decide(log, grantId, call)], 'ActionStepUp');

export const decide = (log: TestLog, grantId: string, call: Call = payment()): Event =>
  act(log, grantId, call.action?.verb ?? 'payment.send', call);

/** Answers a request. */
export const answer = (
  log: TestLog,
  approvalId: string,
  actor: Actor,
  more: Partial<Fields<'decideApproval'>> = {},
): CommandResult => log.try('decideApproval', { approvalId, verdict: 'approve', actor, ...more });

/** Returns the event of an answer, or the code and the detail of its refusal. */
export function outcomeOf(result: CommandResult): { type: string; detail: string } {
  if ('refusal' in result) return { type: result.refusal.code, detail: result.refusal.detail };
  const [event] = result.events;
  if (event?.type === 'Refused') return { type: event.data.code, detail: event.data.detail };
  return { type: event?.type ?? 'nothing', detail: '' };
}

/** Deploys a rule and writes answers of each kind: of several people, of more than one call, and in an emergency. */
export function answers(log: TestLog, grantId: string): Event[] {
  const from = log.events.length;
  const by = {
    needed: 2,
    coolDown: '1h',
    scopes: ['call' as const, 'target' as const],
    breakGlass: { roles: ['approver'] },
  };
  rule(log, { name: 'two', ...by });
  const { approvalId } = ask(log, grantId).data;
  for (const actor of [BEN, CAM]) answer(log, approvalId, actor, { scope: 'target' });
  decide(log, grantId, payment(1));
  answer(log, approvalId, ADA, { verdict: 'deny' }); // withdraws it
  answer(log, ask(log, grantId, payment(2)).data.approvalId, ADA, { breakGlass: true, payload: noted('fire') });
  answer(log, ask(log, grantId, payment(3)).data.approvalId, ADA, { verdict: 'deny' });
  return log.events.slice(from);
}
