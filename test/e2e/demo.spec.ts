import { Stack } from '../support/stack';
import { bailiwick } from '../support/cli';
import { itWithShared } from '../support/shared';

/** Runs the demo of `npm start` and the replay of recorded runs. */
describe('the demo', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start();
  }, 120_000);
  afterAll(() => stack.stop());

  it('shows delegation, decisions, denials, drift, suspension, revocation and receipts', async () => {
    const { code, out, err } = await bailiwick(['--data', stack.dataDir, 'demo']);
    expect([code, err]).toEqual([0, '']);
    for (const line of [
      'approved by key:approver',
      'permit writer: write docs/SUMMARY.md',
      'deny   reader: write docs/x.md',
      'refused planner → helper: GRANT_WIDENS_PARENT',
      'SECRET_EXFILTRATION',
      'this grant is exhausted: budget.calls used up',
      'the lease is suspended: drift',
      'blast radius of class wanderer: 1 grant, 1 run, 0 calls in flight',
      '✓ every permitted action has custody up to the principal',
      'the receipts of its 8 children: 8 verify',
      'receipt verified',
    ]) {
      expect(out).toContain(line);
    }
    expect(out).not.toContain('did NOT verify');
  }, 120_000);

  itWithShared(
    'data/agentdojo.jsonl.gz',
    'plays recorded runs, and the log verifies after them',
    async (file) => {
      const ran = await bailiwick(['--data', stack.dataDir, '--json', 'demo', '--traces', file, '--limit', '400']);
      expect(ran.code).toBe(0);
      const tallies = Object.values(JSON.parse(ran.out) as Record<string, Record<string, number>>);
      const sum = (name: string): number => tallies.reduce((total, tally) => total + (tally[name] ?? 0), 0);
      expect(sum('runs')).toBe(400);
      expect(sum('permitted') + sum('denied') + sum('steppedUp')).toBe(sum('actions'));
      expect(sum('flagged')).toBeGreaterThan(0);
      // I7: every permit has exactly one outcome
      const settled = await actionsOf(stack, 'ActionCompleted', 'ActionFailed', 'ActionAbandoned');
      expect(settled.sort()).toEqual((await actionsOf(stack, 'ActionPermitted')).sort());
      const verified = await bailiwick(['--data', stack.dataDir, 'log', 'verify']);
      expect([verified.code, verified.out]).toEqual([0, expect.stringContaining('the log verifies')]);
    },
    120_000,
  );
});

async function actionsOf(stack: Stack, ...types: string[]): Promise<string[]> {
  const found: string[] = [];
  for (const type of types) {
    for (let after: number | null = -1; after !== null;) {
      const page = await stack.as('analyst').events({ after, limit: 1_000, type });
      found.push(...page.items.map((item) => (item as unknown as { actionId: string }).actionId));
      after = page.next as number | null;
    }
  }
  return found;
}
