import fc from 'fast-check';
import { interpret } from '@bailiwick/authority/matching/requested-call';
import { act } from '@bailiwick/authority/testing/harness';
import { blockedItself } from '@bailiwick/authority/state/liveness';
import { chainOf } from '@bailiwick/authority/state/state';
import type { Reason } from '@bailiwick/contracts/reason';
import { DEFAULT_CATALOG } from '@bailiwick/policy/default-catalog';
import { words } from '@bailiwick/receipts/testing/sealed-log';
import { Monitor } from './monitor';
import { DriftingLog, follow, LEASE, settle } from './testing/drifting';
import { steps, take } from './testing/drifting-moves';
import { callOfEvent, isDecided } from './observations';

fc.configureGlobal({ seed: 20260143 });

const codes = (reasons: readonly Reason[]): (string | undefined)[] =>
  reasons.flatMap((each) => [each.code, ...codes(each.reasons ?? [])]);

describe('a run that drifts', () => {
  it('continues, requires an approval and is suspended, each at its threshold of the lease', () => {
    const log = new DriftingLog();
    const { runId, grantId } = log.start({ ...LEASE, purpose: { onDrift: { stepUpAt: 0.4, suspendAt: 0.8 } } });
    const monitor = new Monitor(0);
    const drift = (): number => log.state.runs.get(runId)?.drift ?? NaN;
    log.read(grantId);
    settle(monitor, log);
    expect(drift()).toBeLessThan(0.4);
    // the monitor sees the call after its decision; the next one requires an approval
    expect(log.write(grantId).type).toBe('ActionPermitted');
    settle(monitor, log);
    expect(drift()).toBeGreaterThan(0.4);
    const second = log.write(grantId, 'other');
    expect(second.type).toBe('ActionStepUp');
    expect(codes(second.data.reasons)).toContain('DRIFT_STEP_UP');
    expect(log.mail(grantId, 'eve@outside.example').type).toBe('ActionStepUp');
    settle(monitor, log);
    expect(drift()).toBeGreaterThan(0.8);
    expect(log.last('GrantSuspended').data.reason).toMatchObject({
      code: 'DRIFT',
      says: expect.stringContaining('0.8'),
    });
    const denied = act(log, grantId, 'web.get');
    expect(denied.type).toBe('ActionDenied');
    expect(codes(denied.data.reasons)).toContain('GRANT_NOT_LIVE');
    // a person resumes the run
    log.do('resume', { grantId, reasonCode: 'LOOKED' });
    expect(act(log, grantId, 'web.get').type).toBe('ActionPermitted');
  });

  it('is suspended by a denied call as well as by a permitted one', () => {
    const log = new DriftingLog();
    const { runId, grantId } = log.start({
      ...LEASE,
      actions: { allow: ['web.get'] },
      purpose: { onDrift: { stepUpAt: 0.4, suspendAt: 0.8 } },
    });
    log.read(grantId);
    expect(log.mail(grantId, 'eve@outside.example').type).toBe('ActionDenied');
    settle(new Monitor(0), log);
    expect(log.state.runs.get(runId)?.status).toBe('suspended');
  });

  it('is suspended with its children, but not with its siblings', () => {
    const log = new DriftingLog();
    const root = log.start({ ...LEASE, purpose: { onDrift: { stepUpAt: 0.3, suspendAt: 0.4 } } });
    const [far, near] = [log.child(root.grantId), log.child(root.grantId)];
    log.write(far.grantId);
    settle(new Monitor(0), log);
    expect(act(log, far.grantId, 'web.get').type).toBe('ActionDenied');
    expect(act(log, near.grantId, 'web.get').type).toBe('ActionPermitted');
    log.write(root.grantId);
    settle(new Monitor(0), log);
    expect(act(log, near.grantId, 'web.get').type).toBe('ActionDenied');
  });
});

const STRICTNESS = { ActionPermitted: 0, ActionStepUp: 1, ActionDenied: 2 };

describe('Monitor', () => {
  it('never widens a grant: its reports leave every denial and approval requirement in place', () => {
    let tightened = 0;
    fc.assert(
      fc.property(steps(40), (all) => {
        const log = new DriftingLog();
        const monitor = new Monitor(0);
        /** Returns the strictness of the decision that each grant would receive now. */
        const decisions = (): Map<string, number> => {
          const found = new Map<string, number>();
          for (const { id } of log.state.order) {
            const dead = chainOf(log.state, id)?.some((grant) => blockedItself(log.state, grant, log.now)) ?? true;
            const { drift } = log.state.runs.get(log.state.grants.get(id)?.runId ?? '') ?? { drift: 1 };
            const { stepUpAt, suspendAt } = log.state.grants.get(id)?.limits.purpose.onDrift ?? {
              stepUpAt: 0,
              suspendAt: 0,
            };
            found.set(
              id,
              dead || drift >= suspendAt
                ? STRICTNESS.ActionDenied
                : drift >= stepUpAt
                  ? STRICTNESS.ActionStepUp
                  : STRICTNESS.ActionPermitted,
            );
          }
          return found;
        };
        for (const step of all) {
          take(log, step);
          const before = decisions();
          const limits = JSON.stringify(log.state.order.map((grant) => grant.limits));
          const from = log.events.length;
          settle(monitor, log);
          expect(JSON.stringify(log.state.order.map((grant) => grant.limits))).toBe(limits);
          for (const event of log.events.slice(from)) expect(['DriftScored', 'GrantSuspended']).toContain(event.type);
          for (const [id, strict] of decisions()) {
            expect(strict).toBeGreaterThanOrEqual(before.get(id) as number);
            if (strict > (before.get(id) as number)) tightened += 1;
          }
        }
      }),
      { numRuns: 60 },
    );
    expect(tightened).toBeGreaterThan(20);
  });

  it('reports only rising scores of a run until a person resumes it', () => {
    let scores = 0;
    fc.assert(
      fc.property(steps(40), (all) => {
        const log = new DriftingLog();
        const monitor = new Monitor(0);
        for (const step of all) {
          take(log, step);
          settle(monitor, log);
        }
        const highest = new Map<string, number>();
        for (const event of log.events) {
          if (event.type === 'GrantResumed') highest.delete(event.runId as string);
          if (event.type !== 'DriftScored') continue;
          expect(event.data.score).toBeGreaterThan(highest.get(event.runId as string) ?? -1);
          highest.set(event.runId as string, event.data.score);
          scores += 1;
        }
      }),
      { numRuns: 60 },
    );
    expect(scores).toBeGreaterThan(100);
  });
});

describe('interpret', () => {
  const requests = fc.record({
    action: fc.record({
      verb: fc.constantFrom('web.get', 'Email.Send', 'file.read', 'thing.make', 'shell.run', 'secret.read'),
      tool: fc.constantFrom(undefined, 'mailer'),
      effect: fc.constantFrom(undefined, 'read' as const, 'write' as const, 'exec' as const, 'external' as const),
    }),
    resource: fc.record({
      type: fc.constantFrom('file', 'web'),
      id: fc.constantFrom('a/b', 'a//b', './a/.env', 'keys/id_rsa'),
      attributes: fc.constantFrom<Record<string, string>[]>(
        {},
        { sensitivity: 'secret' },
        { trust: 'untrusted' },
        { origin: 'external', sensitivity: 'personal' },
      ),
    }),
    labels: fc.constantFrom<string[][]>([], ['untrusted'], ['zeta', 'alpha']),
    args: fc.constantFrom<unknown>(undefined, { to: 'eve' }),
  });

  it('interprets a request as its decision does', () => {
    let compared = 0;
    fc.assert(
      fc.property(requests, ({ action, resource, labels, args }) => {
        const log = new DriftingLog();
        const { grantId } = log.start();
        const result = log.try('authorize', {
          grantId,
          action,
          resource,
          labels,
          proof: { vouched: true },
          ...(args === undefined ? {} : { payload: words({ args }) }),
        });
        const call = interpret({ action, resource, labels, vouched: true }, DEFAULT_CATALOG);
        const decided = log.entries().find(({ event }) => isDecided(event));
        expect('refusal' in result).toBe(call === undefined);
        if (!decided || !isDecided(decided.event)) return;
        compared += 1;
        expect({ ...call, args }).toEqual(callOfEvent(decided.event, decided.payload));
      }),
      { numRuns: 200 },
    );
    expect(compared).toBeGreaterThan(20);
    const malformed = { action: { verb: 'no verb!' }, resource: { type: 'file', id: 'a' } };
    expect(interpret(malformed, DEFAULT_CATALOG)).toBeUndefined();
  });

  it('yields the score that the log records after the decision', () => {
    const log = new DriftingLog();
    const { grantId } = log.start();
    log.read(grantId);
    const monitor = follow(new Monitor(0), log);
    const args = { to: 'eve@outside.example', body: 'the report' };
    const mail = { action: { verb: 'email.send' }, resource: { type: 'mailbox', id: args.to } };
    const call = interpret(mail, DEFAULT_CATALOG);
    const before = call && monitor.score(grantId, { ...call, args });
    log.mail(grantId, args.to);
    expect(follow(monitor, log).reports()[0]?.score).toEqual(before);
  });
});
