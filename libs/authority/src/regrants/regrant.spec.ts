import { deriveId } from '@bailiwick/core/derive-id';
import type { GrantRequest, Limits } from '@bailiwick/contracts/grants/grant';
import fc from 'fast-check';
import { onOneLevel } from '../commands/grants/narrow';
import { attenuatesAll } from '../dimensions/all';
import type { Rule } from '../revocation/rule-set';
import { fromSnapshot, toSnapshot } from '../state/snapshot';
import type { GrantNode, RunNode } from '../state/state';
import { act, delegateTestRun, only, openTestRun, REF, ROOMY, TestLog } from '../testing/harness';
import { leftOver, requestOf } from './left-over';
import { whyNotAgain } from './regrant';

const PERSON = { kind: 'person', id: 'key:responder', role: 'responder' } as const;
const APPROVER = { kind: 'person', id: 'key:approver', role: 'approver' } as const;

const stop = (log: TestLog, name: string, more: object = {}): Rule => {
  const revocationId = deriveId('revocation', 0, name);
  log.do('revokeSelector', { revocationId, selector: { agentClass: 'worker' }, force: true, actor: PERSON, ...more });
  return log.state.rules.find(revocationId) as Rule;
};
const ended = (log: TestLog, grantId: string) => {
  const grant = log.state.grants.get(grantId) as GrantNode;
  return { state: log.state, grant, run: log.state.runs.get(grant.runId) as RunNode };
};
const why = (log: TestLog, grantId: string, rule: Rule, until?: string) => {
  const lease = ended(log, grantId);
  return whyNotAgain(log.state, lease, rule, leftOver(lease.grant, log.now, until), log.now);
};
const again = (
  log: TestLog,
  grantId: string,
  rule: Rule,
  atMost: Limits,
  grant: GrantRequest = requestOf(atMost),
  asOf = log.state.next,
) =>
  log.try('openRun', {
    agent: { class: 'worker' },
    principalRef: REF,
    purposeRef: REF,
    grant,
    regrants: { grantId, revocationId: rule.revocationId, atMost, asOf },
  });
/** The code of the refusal, which is recorded; undefined: it was asked of a person. */
function codeOf(result: ReturnType<typeof again>): string | undefined {
  if ('refusal' in result) return result.refusal.code;
  const [event] = result.events;
  return event?.type === 'Refused' ? event.data.code : undefined;
}

/** Asks for what was left, has it approved, and returns the new lease. */
function regranted(log: TestLog, grantId: string, rule: Rule): string {
  const result = again(log, grantId, rule, leftOver(ended(log, grantId).grant, log.now));
  if ('refusal' in result) throw new Error(JSON.stringify(result.refusal));
  const { approvalId } = only(result.events, 'ApprovalRequested').data;
  const given = log.do('decideApproval', { approvalId, verdict: 'approve', actor: APPROVER });
  return only(given, 'GrantIssued').grantId as string;
}

describe('what was left of an ended lease', () => {
  const cap = fc.integer({ min: 1, max: 6 });
  const lease = fc.record({ calls: cap, reads: cap, writes: cap, inWindow: cap, perVerb: cap, entry: cap });
  const verb = fc.constantFrom('file.read', 'file.write', 'repo.read');

  it('gives both leases together no more than the caps of the old one, in any part, and is asked of a person', () => {
    let permits = 0;
    fc.assert(
      fc.property(lease, fc.array(verb, { maxLength: 8 }), fc.nat(3), (caps, verbs, hours) => {
        const { calls, reads, writes, inWindow, perVerb, entry } = caps;
        const log = new TestLog();
        const request: GrantRequest = {
          actions: { allow: ['**'] },
          resources: [{ type: '*', match: '**' }],
          permissions: [
            { actions: ['file.*'], resources: [{ type: '*', match: '**' }], calls: entry },
            { actions: ['repo.*'], resources: [{ type: '*', match: '**' }] },
          ],
          budget: {
            ...{ calls, reads, writes, external: 1 },
            perVerb: [{ actions: ['file.read'], calls: perVerb }],
            windows: [{ per: '1d', calls: inWindow }],
          },
          time: { ttl: '10h' },
          delegation: { depth: 1, children: 3, classes: ['*'] },
        };
        const { grantId } = openTestRun(log, request);
        const used: string[] = [];
        const use = (id: string, each: string) => {
          if (act(log, id, each).type === 'ActionPermitted') used.push(each);
        };
        for (const each of verbs) use(grantId, each);
        const isLive = log.state.grants.get(grantId)?.status === 'active';
        const rule = stop(log, 'stop');
        log.now += hours * 3_600_000;
        const { grant } = ended(log, grantId);
        const left = leftOver(grant, log.now);
        expect(attenuatesAll(left, onOneLevel(grant.limits))).toEqual([]);
        if (why(log, grantId, rule) !== undefined) {
          expect(isLive && left.budget.calls > 0).toBe(false);
          return;
        }
        const fresh = regranted(log, grantId, rule);
        expect(attenuatesAll((log.state.grants.get(fresh) as GrantNode).limits, onOneLevel(left))).toEqual([]);
        for (let n = 0; n < 14; n++) use(fresh, (['file.read', 'file.write', 'repo.read'] as const)[n % 3] as string);
        permits += used.length;
        const count = (of: (verb: string) => boolean): number => used.filter(of).length;
        expect(count(() => true)).toBeLessThanOrEqual(Math.min(calls, inWindow));
        expect(count((each) => each === 'file.read')).toBeLessThanOrEqual(perVerb);
        expect(count((each) => each.startsWith('file.'))).toBeLessThanOrEqual(entry);
        expect(count((each) => each.endsWith('.read'))).toBeLessThanOrEqual(reads);
        expect(count((each) => each.endsWith('.write'))).toBeLessThanOrEqual(writes);
      }),
      { numRuns: 80 },
    );
    expect(permits).toBeGreaterThan(50);
  });

  it.each([
    [4, 5],
    [5, 5],
    [7, 7],
  ])('is used without a question as far as the whole lease was: %i of 10 calls before, %i in all', (before, most) => {
    const log = new TestLog();
    const budget = { calls: 10, reads: 20, writes: 0, external: 0, windows: [{ per: '1d' as const, calls: 10 }] };
    const { grantId } = openTestRun(log, { ...ROOMY, budget: { ...budget, ...(before <= 5 ? { askAt: 0.5 } : {}) } });
    for (let n = 0; n < before; n++) expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
    const { grant } = ended(log, grantId);
    if (before > 5)
      Object.assign(grant, { limits: { ...grant.limits, budget: { ...grant.limits.budget, askAt: 0.5 } } });
    const rule = stop(log, 'stop');
    const fresh = regranted(log, grantId, rule);
    let unasked = before;
    while (act(log, fresh, 'file.read').type === 'ActionPermitted') unasked += 1;
    expect(unasked).toBe(most);
  });

  it('is no more than the bound, whatever the request or a default adds', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, budget: { ...ROOMY.budget, calls: 5 } });
    act(log, grantId, 'file.read');
    const rule = stop(log, 'stop');
    const left = leftOver(ended(log, grantId).grant, log.now);
    const wider: GrantRequest[] = [
      { ...requestOf(left), budget: { ...left.budget, calls: 5 } },
      { ...requestOf(left), time: { ttl: '20h' } },
      { ...requestOf(left), budget: { calls: 4 } }, // left out: the defaults of the tenant
    ];
    expect(wider.map((grant) => codeOf(again(log, grantId, rule, left, grant)))).toEqual(
      wider.map(() => 'GRANT_WIDENS_PARENT'),
    );
    expect(log.state.regranted.size).toBe(0);
  });
});

describe('a lease that cannot be granted again', () => {
  it('is one that is still stopped, that another revocation ended since, or of which a tool was taken', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const rule = stop(log, 'stop', { quarantine: true });
    const left = leftOver(ended(log, grantId).grant, log.now);
    expect(why(log, grantId, rule)).toContain(`${rule.revocationId} quarantines such leases`);
    expect(codeOf(again(log, grantId, rule, left))).toBe('QUARANTINED');
    log.do('liftQuarantine', { revocationId: rule.revocationId, actor: PERSON });
    expect(why(log, grantId, rule)).toBeUndefined();
    const held = stop(log, 'held', { mode: 'suspend' });
    expect(why(log, grantId, rule)).toContain(`${held.revocationId} suspends such leases`);
    expect(codeOf(again(log, grantId, rule, left))).toBe('QUARANTINED'); // although the new run is newer
    log.do('liftSuspension', { revocationId: held.revocationId, actor: PERSON });
    const denied = stop(log, 'tool', { selector: { tool: 'file.read' } });
    expect(why(log, grantId, rule)).toContain(`${denied.revocationId} denies a tool or verb`);
    const later = stop(log, 'later');
    expect(why(log, grantId, rule)).toContain(`${later.revocationId} has revoked it since`);
  });

  it('is one without time or calls, and one that did not end by this revocation', () => {
    const log = new TestLog();
    const [spent, whole] = [openTestRun(log, { ...ROOMY, budget: { calls: 1, reads: 1 } }), openTestRun(log)];
    const live = openTestRun(log, ROOMY, 'other');
    act(log, spent.grantId, 'file.read');
    const rule = stop(log, 'stop');
    expect(why(log, spent.grantId, rule)).toContain('it is exhausted');
    expect(why(log, live.grantId, rule)).toContain('it is live');
    const { expiresAt } = ended(log, whole.grantId).grant.limits.time;
    log.now = Date.parse(expiresAt);
    expect(why(log, whole.grantId, rule)).toBe(`its time ended at ${expiresAt}; state when the new lease ends`);
    expect(why(log, whole.grantId, rule, new Date(log.now + 60_000).toISOString())).toBeUndefined();
  });

  it('is one that was suspended before it ended, that is bound to a key, or whose account cannot be read', () => {
    const log = new TestLog();
    const KEY = 'a'.repeat(43);
    const [held, drifted, bound, whole] = [
      openTestRun(log),
      openTestRun(log),
      openTestRun(log, { ...ROOMY, session: { jkt: KEY } }),
      openTestRun(log),
    ];
    log.do('suspend', { grantId: held.grantId, reasonCode: 'LOOK', actor: PERSON });
    log.do('recordDrift', { runId: drifted.runId, score: 0.95, features: [], monitor: 'test' });
    const rule = stop(log, 'stop');
    expect(why(log, held.grantId, rule)).toContain('it was suspended before it ended');
    expect(why(log, drifted.grantId, rule)).toContain('it was suspended before it ended');
    expect(why(log, bound.grantId, rule)).toContain('it is bound to the key of the ended run');
    expect(why(log, whole.grantId, rule)).toBeUndefined();
    const { treeId } = ended(log, whole.grantId).grant;
    log.state.unreadable.set(9, { position: 9, treeId, bodyDigest: 'sha256:0' });
    expect(why(log, whole.grantId, rule)).toContain('event 9 cannot be read');
  });

  it('is one about which a rule was made since the proposal, which the new run would escape', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const rule = stop(log, 'stop');
    const left = leftOver(ended(log, grantId).grant, log.now);
    const asOf = log.state.next;
    stop(log, 'other', { selector: { agentClass: 'other' } });
    stop(log, 'tool', { selector: { agentClass: 'worker', tool: 'file.read' } });
    expect(codeOf(again(log, grantId, rule, left, requestOf(left), asOf))).toBe('CONFLICT');
    expect(codeOf(again(log, grantId, rule, left))).toBeUndefined();
  });

  it('is granted again once, unless a person refused it; a snapshot remembers', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log, { ...ROOMY, time: { ttl: '10h' } });
    delegateTestRun(log, grantId);
    const rule = stop(log, 'stop');
    const left = leftOver(ended(log, grantId).grant, log.now);
    expect(left.delegation.children).toBe(9);
    const asked = again(log, grantId, rule, left);
    if ('refusal' in asked) throw new Error(asked.refusal.detail);
    expect(only(asked.events, 'RunOpened').data.regrants).toEqual({ grantId, revocationId: rule.revocationId });
    expect(codeOf(again(log, grantId, rule, left))).toBe('CONFLICT');
    const { approvalId } = only(asked.events, 'ApprovalRequested').data;
    log.do('decideApproval', { approvalId, verdict: 'deny', actor: APPROVER });
    log.now += 3_600_000; // the refusal of the same request has ended
    expect(codeOf(again(log, grantId, rule, leftOver(ended(log, grantId).grant, log.now)))).toBeUndefined();
    const copy = fromSnapshot(toSnapshot(log.state));
    expect(copy.regranted).toEqual(log.state.regranted);
    expect(copy.runs).toEqual(log.state.runs);
    expect(codeOf(again(log, grantId, rule, left))).toBe('CONFLICT');
  });
});
