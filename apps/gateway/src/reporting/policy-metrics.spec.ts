import { Registry } from 'prom-client';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { PolicyMetrics } from './policy-metrics';

const view = (took: number, more: Partial<ApprovalView> = {}): ApprovalView =>
  ({
    status: 'approved',
    requestedAt: '2026-01-01T00:00:00.000Z',
    decidedAt: new Date(Date.UTC(2026, 0, 1) + took).toISOString(),
    agentClass: 'worker',
    action: { verb: 'email.send', codes: ['RISK_NEEDS_APPROVAL'] },
    ...more,
  }) as ApprovalView;

describe('the metrics of a policy', () => {
  it('count approvals and denials by verb, class and rule, and those within three seconds', async () => {
    const registry = new Registry();
    const metrics = new PolicyMetrics(registry);
    metrics.answered(view(1_000));
    metrics.answered(view(60_000, { breakGlass: true }));
    metrics.answered(view(5_000, { status: 'denied' }));
    metrics.answered(view(0, { status: 'pending', decidedAt: undefined }));
    const text = await registry.metrics();
    for (const about of [
      'by="verb",name="email.send"',
      'by="class",name="worker"',
      'by="rule",name="RISK_NEEDS_APPROVAL"',
    ]) {
      expect(text).toContain(`bailiwick_approval_answers_total{${about},verdict="approve"} 2`);
      expect(text).toContain(`bailiwick_approval_answers_total{${about},verdict="deny"} 1`);
      expect(text).toContain(`bailiwick_approvals_instant_total{${about}} 1`);
    }
    expect(text).toContain('bailiwick_approval_answer_seconds_count{verdict="approve"} 2');
    expect(text).toContain('bailiwick_approvals_break_glass_total 1');
  });

  it('count denials and questions by verb and by each code, and permits that used an approval', async () => {
    const registry = new Registry();
    const metrics = new PolicyMetrics(registry);
    const denied = { rule: 'actions', outcome: 'deny', code: 'ACTION_DENIED', message: 'no' } as const;
    metrics.decided('email.send', {
      decision: 'deny',
      reasons: [{ rule: 'grant', outcome: 'deny', message: 'this grant', reasons: [denied, denied] }],
    });
    metrics.decided('file.read', { decision: 'permit', reasons: [] });
    metrics.decided('file.write', {
      decision: 'permit',
      reasons: [{ rule: 'approval', outcome: 'permit', code: 'APPROVED', message: 'approved by ann' }],
    });
    const text = await registry.metrics();
    expect(text).toContain('bailiwick_policy_decisions_total{by="verb",name="email.send",decision="deny"} 1');
    expect(text).toContain('bailiwick_policy_decisions_total{by="rule",name="ACTION_DENIED",decision="deny"} 1');
    expect(text).toContain('bailiwick_policy_overrides_total{name="file.write"} 1');
    expect(text).not.toContain('file.read');
  });

  it('have a bounded number of names', async () => {
    const registry = new Registry();
    const metrics = new PolicyMetrics(registry);
    for (let i = 0; i < 1_000; i++) metrics.decided(`verb${i}.do`, { decision: 'deny', reasons: [] });
    metrics.decided('a "quoted" verb', { decision: 'deny', reasons: [] });
    const lines = (await registry.metrics()).split('\n').filter((line) => line.includes('by="verb"'));
    expect(lines).toHaveLength(101);
    expect(lines.at(-1)).toContain('name="all others",decision="deny"} 901');
  });
});
