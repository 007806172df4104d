import { RULE_LABELS } from '@bailiwick/contracts/actions/trajectory';
import { LIMITS } from '@bailiwick/core/limits';
import { judgeTrajectory, SEQUENCES } from '@bailiwick/trajectory/sequence-rules';
import { act, delegateTestRun, openTestRun, REF, ROOMY, TestLog } from '../../testing/harness';

/** Attempts to evade a rule, each of which once worked. */
describe('a rule cannot be evaded', () => {
  const junk = (from: number): string[] => Array.from({ length: 32 }, (_, i) => `junk:${from + i}`);
  const codesOf = ({ data }: ReturnType<typeof act>): unknown[] => data.reasons.map((reason) => reason.code);

  it('by reporting more labels than a tree keeps, to crowd out those of a rule', () => {
    const log = new TestLog(judgeTrajectory);
    const root = openTestRun(log);
    const child = delegateTestRun(log, root.grantId);
    for (const from of [0, 32, 64, 96]) act(log, child.grantId, 'file.read', { labels: junk(from) });
    const result = act(log, child.grantId, 'file.read');
    log.do('settle', { actionId: result.actionId as string, outcome: { status: 'completed', labels: junk(200) } });
    act(log, root.grantId, 'file.read', { resource: { type: 'file', id: 'config/.env' } });
    expect(codesOf(act(log, root.grantId, 'email.send'))).toContain('SECRET_EXFILTRATION');
    expect(Object.keys(log.state.trees.values().next().value?.labels ?? {}).length).toBeLessThan(80);
  });

  it('since a tree always keeps every label that a sequence rule uses', () => {
    for (const { seen, then } of SEQUENCES) for (const label of [...seen, then]) expect(RULE_LABELS).toContain(label);
  });

  it('by a late report in which a run states that its own result can be trusted', () => {
    const log = new TestLog();
    const { runId, grantId } = openTestRun(log);
    const { actionId } = act(log, grantId, 'file.read', { actor: { kind: 'run', id: runId } });
    log.now += LIMITS.permitMs + LIMITS.outcomeMs;
    log.tickAll();
    const outcome = { status: 'completed' as const, labels: ['trusted', 'seen'] };
    const [late] = log.do('settle', { actionId: actionId as string, outcome, actor: { kind: 'run', id: runId } });
    expect(late).toMatchObject({ type: 'OutcomeReportedLate', data: { labels: ['seen'] } });
  });

  it('by asking a person for authority that the parent does not have, instead of delegating it', () => {
    const log = new TestLog(judgeTrajectory);
    const root = openTestRun(log, { ...ROOMY, budget: { ...ROOMY.budget, calls: 20 } });
    const child = delegateTestRun(log, root.grantId, { budget: { calls: 5 } });
    expect(codesOf(act(log, child.grantId, 'shell.run'))).not.toContain('EXEC_AFTER_DENIED_ESCALATION');
    const refused = log.do('escalate', { runId: child.runId, want: { budget: { calls: 500 } } });
    expect(refused.map((event) => event.type)).toEqual(['Refused']);
    expect(codesOf(act(log, child.grantId, 'shell.run'))).toContain('EXEC_AFTER_DENIED_ESCALATION');
  });

  it.each(['stripe', 'Stripe', 'STRIPE', 'stripe ', 'ｓtripe', 'stri\u200bpe'])(
    'by calling a revoked tool %j',
    (tool) => {
      const log = new TestLog();
      const { grantId } = openTestRun(log, { ...ROOMY, actions: { allow: ['shop.*'] } });
      const buy = () => act(log, grantId, 'shop.buy', { action: { verb: 'shop.buy', tool } });
      expect(buy().type).toBe('ActionPermitted');
      log.do('revokeSelector', { revocationId: `rev_0_${'0'.repeat(26)}`, selector: { tool: 'Stripe' }, force: true });
      expect(buy().type).toBe('ActionDenied');
    },
  );

  it.each(['evil', 'Evil', 'EVIL'])('by another spelling of a quarantined class: %s', (agentClass) => {
    const log = new TestLog();
    const revocationId = `rev_0_${'0'.repeat(26)}`;
    log.do('revokeSelector', { revocationId, selector: { agentClass: 'evil' }, force: true, quarantine: true });
    const opened = log.do('openRun', { agent: { class: agentClass }, principalRef: REF, purposeRef: REF, grant: {} });
    expect(opened.map((event) => event.type)).toEqual(['Refused']);
  });

  it('by completing a run that a rule struck: it stays revoked', () => {
    const log = new TestLog();
    const { runId } = openTestRun(log, ROOMY, 'bad');
    log.do('revokeSelector', { revocationId: `rev_0_${'0'.repeat(26)}`, selector: { agentClass: 'bad' }, force: true });
    expect(log.try('completeRun', { runId })).toMatchObject({ refusal: { code: 'ALREADY_ENDED' } });
  });
});
