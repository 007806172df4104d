import { act, only } from '@bailiwick/authority/testing/harness';
import type { Event } from '@bailiwick/contracts/event';
import { statedVersion } from '@bailiwick/contracts/upcast';
import { TREE_RECEIPT } from '@bailiwick/contracts/receipt';
import { endOf } from './ending';
import { ANN, brokenAt, otherReceiptOf, prover, SealedLog, signed, statementOf, VKEY } from './testing/sealed-log';
import { verifyReceipt } from './verify';

/** A run that has read and written; its log is in the hands of whoever holds its key. */
function made(): { log: SealedLog; runId: string; grantId: string } {
  const log = new SealedLog();
  const { runId, grantId } = log.open();
  act(log, grantId, 'file.read');
  act(log, grantId, 'file.write', { cost: { USD: 5 } });
  return { log, runId, grantId };
}
const broken = (log: SealedLog, runId: string): string =>
  brokenAt(verifyReceipt(signed(statementOf(log, runId)), VKEY));

/** Puts an event into a log that its rules would never have let in. */
function force(log: SealedLog, like: Event, over: object): Event {
  const event = { ...structuredClone(like), ...over, position: log.events.length };
  event.v = statedVersion(event.type);
  log.events.push(event);
  return event;
}

describe('a log that signs what cannot be', () => {
  /** Signs a receipt whose event at a place has another body; the tree is of these bodies. */
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

  it('cannot let an event stand in another place, or another log, than it says', () => {
    expect(withBody(() => undefined)).toBe('');
    expect(withBody((event) => (event.position = 7))).toMatch(
      /^every event is in the log: event 2: its body says another place$/,
    );
    expect(withBody((event) => (event.log = 'default/1'))).toMatch(/its body says another place$/);
    expect(withBody((event) => (event.log = 'default/1'), { log: 'default/1' })).toMatch(
      /its body says another place$/,
    );
    expect(withBody((event) => (event.type = 'SomethingElse'))).toMatch(/its body is no event of a known form$/);
    expect(withBody((event) => delete event.actor)).toMatch(/its body is no event of a known form$/);
  });

  it('cannot count calls that it does not list, or list what it does not count', () => {
    const charged = (change: object): string => {
      const { log, runId } = made();
      Object.assign(log.last('ActionPermitted').data.charge, change);
      return broken(log, runId);
    };
    expect(charged({})).toBe('');
    expect(charged({ calls: 2, writes: 2 })).toMatch(
      /^the amounts add up to the counters: the actions of .* add up to 2, and 3 are claimed$/,
    );
    expect(charged({ writes: 2 })).toMatch(
      /^the amounts add up to the counters: its reads, writes and external add up to 3, and 2 are claimed$/,
    );
    expect(charged({ calls: 0 })).toMatch(/^the amounts add up to the counters: /);
  });

  it('cannot have counters that are not the sums of its events', () => {
    const left = (calls: number): { run: string; tree: string } => {
      const { log, runId } = made();
      log.last('ActionPermitted').data.remaining.calls += calls;
      const treeId = log.last('RunOpened').treeId as string;
      return {
        run: broken(log, runId),
        tree: brokenAt(verifyReceipt(otherReceiptOf(log, TREE_RECEIPT, treeId), VKEY)),
      };
    };
    const wrong = /^the amounts add up to the counters: event 3: it says \d+ calls were left, the events leave /;
    expect(left(0)).toEqual({ run: '', tree: '' });
    expect(left(1)).toMatchObject({
      run: expect.stringMatching(wrong) as string,
      tree: expect.stringMatching(wrong) as string,
    });
    // of a run alone it cannot be told what others spent of the same caps
    expect(left(-1)).toMatchObject({ run: '', tree: expect.stringMatching(wrong) as string });
  });

  it('cannot settle one action twice, at whatever cost', () => {
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

  it('cannot let a lease that another stands in for end its run', () => {
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

  it('cannot end a run before it began: what was dead above it is a finding of each of its actions', () => {
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
