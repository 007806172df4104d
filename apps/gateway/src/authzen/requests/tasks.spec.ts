import type { GrantStatus } from '@bailiwick/contracts/grants/grant';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { taskOf } from './tasks';

const APPROVAL = { id: 'apr_1', status: 'pending', expiresAt: '2026-03-01T12:00:00.000Z' } as ApprovalView;
const taskUnder = (lease: GrantStatus, approval: ApprovalView = APPROVAL) =>
  taskOf(approval, 'https://pdp.example/access/v1/requests', {
    status: lease,
    limits: { time: { expiresAt: '2026-03-01T18:00:00.000Z' } },
  }).task;

describe('taskOf', () => {
  it.each([
    ['active', 'pending'],
    ['suspended', 'pending'],
    ['superseded', 'pending'],
    ['revoked', 'cancelled'],
    ['expired', 'expired'],
    ['exhausted', 'expired'],
    ['completed', 'expired'],
  ] as const)('shows what waits under a lease that is %s as %s, as its callback is notified', (lease, status) => {
    expect(taskUnder(lease)).toMatchObject({ status });
    expect('links' in taskUnder(lease)).toBe(status === 'pending');
    expect(taskUnder(lease, { ...APPROVAL, status: 'denied' })).toMatchObject({ status: 'denied' });
  });
});
