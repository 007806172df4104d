import { act, only } from '@bailiwick/authority/testing/harness';
import type { Event } from '@bailiwick/contracts/events/event';
import { statedVersion } from '@bailiwick/contracts/events/upcast';
import { TREE_RECEIPT } from '@bailiwick/contracts/receipts/receipt';
import { endOf } from './ending';
import { ANN, brokenAt, otherReceiptOf, prover, SealedLog, signed, statementOf, VKEY } from './testing/sealed-log';
import { verifyReceipt } from './verify';

/** A run that has read and written, in a log that the test can change and sign. */
function made(): { log: SealedLog; runId: string; grantId: string } {
  const log = new SealedLog();
  const { runId, grantId } = log.open();
  act(log, grantId, 'file.read');
  act(log, grantId, 'file.write', { cost: { USD: 5 } });
  return { log, runId, grantId };
}
const broken = (log: SealedLog, runId: string): string =>
  brokenAt(verifyReceipt(signed(statementOf(log, runId)), VKEY));

/** Appends an event that the rules would have refused. */
function force(log: SealedLog, like: Event, over: object): Event {
  const event = { ...structuredClone(like), ...over, position: log.events.length };
  event.v = statedVersion(event.type);
  log.events.push(event);
  return event;
}

describe('a log that signs impossible events', () => {
  /** Verifies a signed receipt with a changed event at position 2; the tree is built over the changed body. */
  const withBody = (change: (event: Record<string, unknown>) => void, more: object = {}): string => {
    const { log, runId } = made();
    const statement = statementOf(log, runId);
    const bodies = log.stored().map(({ body }) => body);
    const event = JSON.parse(bodies[2] as string) as Record<string, unknown>;
    change(event);
    bodies[2] = JSON.stringify(event);
    const prove = prover(bodies);
    for (const each of statement.predicate.events) {
      each.proof = prove(each.position);
      if (each.position === 2) Object.assign(each, { body: bodies[2] }, more);
    }
    return brokenAt(verifyReceipt(signed(statement), VKEY));
  };

  it('cannot place an event at another position or in another log than its body states', () => {
    expect(withBody(() => undefined)).toBe('');
    expect(withBody((event) => (event.position = 7))).toMatch(
      /^every event is in the log: event 2: its body states another log or position$/,
    );
    expect(withBody((event) => (event.log = 'default/1'))).toMatch(/its body states another log or position$/);
    expect(withBody((event) => (event.log = 'default/1'), { log: 'default/1' })).toMatch(
      /its body states another log or position$/,
    );
    expect(withBody((event) => (event.type = 'SomethingElse'))).toMatch(/its body is not a known event$/);
    expect(withBody((event) => delete event.actor)).toMatch(/its body is not a known event$/);
  });

  it('counts an action with several effects once in calls, and in the counter of each effect', () => {
    const { log, runId, grantId } = made();
    act(log, grantId, 'file.write', { action: { verb: 'file.write', effect: 'external' } });
    const { effects } = log.last('ActionPermitted').data;
    expect(effects).toEqual(['write', 'external']);
    expect(broken(log, runId)).toBe('');
    log.last('ActionPermitted').data.charge.external = 0;
    expect(broken(log, runId)).toMatch(
      /^the amounts add up to the counters: the external of .* add up to 1, but 0 are claimed$/,
    );
  });

  it('cannot count calls that it does not list, or list calls that it does not count', () => {
    const charged = (change: object): string => {
      const { log, runId } = made();
      Object.assign(log.last('ActionPermitted').data.charge, change);
      return broken(log, runId);
    };
    expect(charged({})).toBe('');
    expect(charged({ calls: 2, writes: 2 })).toMatch(
      /^the amounts add up to the counters: the actions of .* add up to 2, but 3 are claimed$/,
    );
    expect(charged({ writes: 2 })).toMatch(
      /^the amounts add up to the counters: the writes of .* add up to 1, but 2 are claimed$/,
    );
    expect(charged({ calls: 0 })).toMatch(/^the amounts add up to the counters: /);
  });

  it('cannot state counters that differ from the sums of its events', () => {
    const left = (calls: number): { run: string; tree: string } => {
      const { log, runId } = made();
      log.last('ActionPermitted').data.remaining.calls += calls;
      const treeId = log.last('RunOpened').treeId as string;
      return {
        run: broken(log, runId),
        tree: brokenAt(verifyReceipt(otherReceiptOf(log, TREE_RECEIPT, treeId), VKEY)),
      };
    };
    const wrong = /^the amounts add up to the counters: event 3: it states \d+ calls remaining, but the events leave /;
    expect(left(0)).toEqual({ run: '', tree: '' });
    expect(left(1)).toMatchObject({
      run: expect.stringMatching(wrong) as string,
      tree: expect.stringMatching(wrong) as string,
    });
    // the receipt of a run does not show what other runs spent from the same caps
    expect(left(-1)).toMatchObject({ run: '', tree: expect.stringMatching(wrong) as string });
  });

  it('cannot settle one action twice', () => {
    const { log, runId } = made();
    const { actionId } = log.last('ActionPermitted');
    const first = only(
      log.do('settle', { actionId: actionId as string, outcome: { status: 'completed', cost: { USD: 5 } } }),
      'ActionCompleted',
    );
    force(log, first, {});
    expect(broken(log, runId)).toMatch(
      /^every permitted action has custody up to the principal: .* has 2 outcomes \(I7\)$/,
    );
  });

  it('cannot end a run through a superseded lease', () => {
    const { log, runId, grantId } = made();
    const issued = log.last('GrantIssued');
    log.do('escalate', { runId, want: { budget: { calls: 500 } } });
    log.do('decideApproval', {
      approvalId: log.last('ApprovalRequested').data.approvalId,
      verdict: 'approve',
      actor: ANN,
    });
    force(log, issued, { type: 'GrantExpired', grantId, data: { reason: { code: 'EXPIRED' } } });
    expect(endOf(runId, log.story())).toBeNull();
    expect(broken(log, runId)).toBe('');
  });

  it('cannot end a run before it started: a dead ancestor is a finding for each of its actions', () => {
    const { log, grantId } = made();
    const child = log.child(grantId);
    act(log, child.grantId, 'file.read');
    const [opened, issued] = log.events.splice(-3, 2) as [Event, Event];
    const permit = log.events.pop() as Event;
    force(log, issued, {
      type: 'GrantRevoked',
      runId: log.events[0]?.runId,
      grantId,
      data: { revocationId: 'rev_0_00000000000000000000000009', subtree: true, reason: { code: 'REVOKED' } },
    });
    force(log, log.last('GrantRevoked'), {
      type: 'RevocationRuleAdded',
      data: {
        revocationId: 'rev_0_00000000000000000000000008',
        selector: { agentClass: 'worker' },
        quarantine: false,
        reason: { code: 'REVOKED' },
      },
      runId: undefined,
      grantId: undefined,
    });
    for (const event of [opened, issued, permit]) force(log, event, {});
    expect(endOf(child.runId, log.story())).toBeNull();
    expect(broken(log, child.runId)).toMatch(
      /^every permitted action has custody up to the principal: .*it was permitted after GrantRevoked of grant .*had revoked grant/,
    );
  });
});
