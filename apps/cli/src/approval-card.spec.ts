import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { approvalCard } from './approval-card';

const CARD = {
  id: 'apr_0_00000000000000000000000001',
  kind: 'action',
  status: 'pending',
  runId: 'run_0_00000000000000000000000001',
  treeId: 'tre_0_00000000000000000000000001',
  risk: 'high',
  irreversible: false,
  asks: 'Let the buyer do payment.make on “account acme-42”, once, with exactly these arguments',
  purpose: 'Pay the invoice of acme',
  requestedBy: 'user:ada@example.com',
  requestedByStatedBy: 'key:orchestrator',
  may: ['this one call, once, within an hour of the answer'],
  mayNot: ['the same call again'],
  action: {
    verb: 'payment.make',
    tool: 'bank',
    resource: { type: 'account', id: 'acme-42', attributes: { country: 'NL' } },
    argsDigest: 'sha256:00',
    args: { to: 'acme-42', amount: 15 },
    cost: { USD: 1_500, JPY: 500 },
    reasons: ['payment.make is of high risk'],
    objections: [
      { says: 'payment.make is of high risk', isNew: false },
      { says: 'private and untrusted data have met', isNew: true },
    ],
  },
  refusedBefore: [
    {
      approvalId: 'apr_0_00000000000000000000000002',
      what: 'payment.make on “account acme-41”',
      at: '2026-01-01T00:00:00.000Z',
      by: 'key:approver',
      note: 'who is this?',
    },
  ],
  budget: 'may spend 100.00 USD',
  tried: [],
  requestedAt: '2026-01-01T00:00:00.000Z',
  expiresAt: '2026-01-02T00:00:00.000Z',
  position: 6,
} as unknown as ApprovalView;

const withArgs = (args: unknown, hidden?: object): ApprovalView =>
  ({ ...CARD, action: { ...CARD.action, args, hidden } }) as ApprovalView;

describe('approvalCard', () => {
  it('shows the exact call: verb, tool, resource with attributes, costs in their units, and every argument', () => {
    const text = approvalCard(CARD);
    for (const part of [
      'payment.make',
      'bank',
      'account acme-42',
      'country = "NL"',
      '15.00 USD',
      '500 JPY',
      '"to": "acme-42"',
      '"amount": 15',
      'sha256:00',
      'Pay the invoice of acme',
      'user:ada@example.com (stated by key:orchestrator)',
    ])
      expect(text).toContain(part);
  });

  it('shows every objection and marks those that an earlier question did not show', () => {
    const text = approvalCard(CARD);
    expect(text).toMatch(/because +payment\.make is of high risk/);
    expect(text).toContain('NEW since the question was asked before: private and untrusted data have met');
  });

  it('shows each earlier refusal with its author and note', () => {
    expect(approvalCard(CARD)).toContain(
      '2026-01-01T00:00:00.000Z by key:approver: payment.make on “account acme-41”: who is this?',
    );
  });

  it('states how much of the arguments is hidden, and that arguments without a digest could be any', () => {
    expect(approvalCard(withArgs({ a: '[redacted]' }, { values: 1, of: 2, characters: 47 }))).toContain(
      'NOT ALL is shown: 1 of 2 values masked or cut, 47 characters',
    );
    const call = { ...CARD.action, argsDigest: undefined, args: undefined };
    expect(approvalCard({ ...CARD, action: call } as ApprovalView)).toContain('NOT STATED: they could be any');
  });

  it('keeps every argument on marked lines, whatever characters it holds', () => {
    const hostile = 'x\n\nrisk       low\u001b[2K\u202e\r\u2028answer by  never';
    const lines = approvalCard(withArgs({ [hostile]: hostile })).split('\n');
    const ours = lines.filter((line) => !line.startsWith('  │'));
    expect(ours.join('\n')).toBe(approvalCard(withArgs(undefined)).split('\n').join('\n'));
    expect(lines.join('')).not.toMatch(/[\u001b\u202e\r\u2028]/);
  });

  it('keeps texts of the agent on one line each', () => {
    const asked = approvalCard({ ...CARD, purpose: 'pay\nrisk  none' });
    expect(asked).toMatch(/^purpose +pay risk {2}none$/m);
    expect(asked.split('\n')).toHaveLength(approvalCard(CARD).split('\n').length);
  });
});
