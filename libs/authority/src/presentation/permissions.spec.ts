import { permissionsView } from '@bailiwick/contracts/queries/permissions';
import { ADA, answer, askedFor, decide, payment, rule } from '../testing/approvers';
import { delegateTestRun, openTestRun, TestLog } from '../testing/harness';
import { deploy, manifests } from '../testing/policies';
import { showPermissions } from './permissions';

describe('the permissions of a run', () => {
  it('state what it may do, what is left, which approvals last, what waits, and how to ask', () => {
    const log = new TestLog();
    rule(log, { name: 'two', needed: 2 });
    const { grantId, runId, approvalId } = askedFor(log);
    answer(log, approvalId, ADA);
    const view = showPermissions(log.state, runId, log.now);
    expect(permissionsView.parse(view)).toEqual(view);
    expect(view).toMatchObject({
      runId,
      policy: 1,
      grant: { id: grantId, status: 'active' },
      remaining: { calls: 100 },
      approvals: [],
      pending: [{ id: approvalId, kind: 'action', given: 1, needed: 2 }],
    });
    expect(view?.ask.map((each) => each.for)).toEqual(['call', 'more', 'child']);
  });

  it('list an approval of a target until it is withdrawn, with what one call may cost', () => {
    const log = new TestLog();
    const { grantId, runId, approvalId } = askedFor(log);
    answer(log, approvalId, ADA, { scope: 'target' });
    decide(log, grantId, payment(1));
    expect(showPermissions(log.state, runId, log.now)?.approvals).toMatchObject([
      {
        id: approvalId,
        scope: 'target',
        verb: 'payment.send',
        resource: { type: 'account', id: 'acme' },
        cost: { USD: 500 },
      },
    ]);
    answer(log, approvalId, ADA, { verdict: 'deny' });
    expect(showPermissions(log.state, runId, log.now)?.approvals).toEqual([]);
  });

  it('state what is left of the leases above', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const child = delegateTestRun(log, grantId, { budget: { calls: 90 } });
    for (let i = 0; i < 20; i++) decide(log, grantId, { action: { verb: 'file.read', argsDigest: undefined } });
    expect(showPermissions(log.state, child.runId, log.now)?.remaining.calls).toBe(80);
    expect(showPermissions(log.state, 'run_0_none', log.now)).toBeUndefined();
  });

  it('state what is left of what the manifests in force allow, of the class of the run and of those above', () => {
    const log = new TestLog();
    const { grantId } = openTestRun(log);
    const child = delegateTestRun(log, grantId, { budget: { calls: 50, cost: { USD: 400 } } });
    const call = { action: { verb: 'file.read', argsDigest: undefined }, cost: { USD: 10 } };
    for (let i = 0; i < 4; i++) decide(log, grantId, call);
    const left = () => showPermissions(log.state, child.runId, log.now)?.remaining;
    expect(left()).toMatchObject({ calls: 50, cost: { USD: 400 } });
    deploy(log, manifests({ class: '*', most: { budget: { calls: 30 } } }));
    expect(left()).toMatchObject({ calls: 26, cost: { USD: 400 } });
    deploy(
      log,
      manifests({ class: '*', most: { budget: { windows: [{ per: '1h', calls: 20 }], cost: { USD: 100 } } } }),
    );
    expect(left()).toMatchObject({ calls: 16, cost: { USD: 60 } });
    deploy(log, manifests({ class: '*', most: { budget: { cost: { EUR: 100 } } } }));
    expect(left()).toMatchObject({ calls: 50, cost: { USD: 0 } });
    deploy(log, manifests({ class: '*' }));
    expect(left()).toMatchObject({ calls: 50, cost: { USD: 400 } });
  });
});
