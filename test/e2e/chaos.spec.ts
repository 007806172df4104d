import { chaos } from '../chaos/run';
import { TARGETS } from '../chaos/faults';
import { Stack } from '../support/stack';

const KILLS = 7;
const SEED = 20260303;

/** A few of what `npm run chaos` does by the hundred: the same load, the same faults, the same checks. */
describe(`the whole system under load while its parts die (seed ${SEED})`, () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start();
  }, 120_000);
  afterAll(() => stack.stop());

  it('keeps what it answered, exceeds no cap, and its consumers end as a fresh replay of its log does', async () => {
    const said: string[] = [];
    const report = await chaos(stack, {
      kills: KILLS,
      seed: SEED,
      clients: 16,
      again: 500,
      say: (line) => said.push(line),
    });
    expect(report.findings).toEqual([]);
    for (const target of TARGETS) expect(report.plan).toContainEqual({ target, kind: 'kill' });
    for (const [service, restarts] of report.restarts) expect([service, restarts]).not.toEqual([service, 0]);
    expect(report.record.met.length).toBeGreaterThan(5);
    expect(report.checkpoints).toBeGreaterThan(5);
    expect(report.askedAgain).toBeGreaterThan(300);
  }, 180_000);
});
