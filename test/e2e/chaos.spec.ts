import { chaos } from '../chaos/run';
import { TARGETS } from '../chaos/faults';
import { Stack } from '../support/stack';

const KILLS = 7;
const SEED = 20260303;

/** Plays a few of the faults of `npm run chaos`, with the same load and the same checks. */
describe(`the whole system under load while its parts are killed (seed ${SEED})`, () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.start();
  }, 120_000);
  afterAll(() => stack.stop());

  it('keeps every acknowledged command, exceeds no cap, and its consumers end in the state of a fresh replay', async () => {
    const lines: string[] = [];
    const report = await chaos(stack, {
      kills: KILLS,
      seed: SEED,
      clients: 16,
      again: 500,
      logLine: (line) => lines.push(line),
    });
    expect(report.findings).toEqual([]);
    for (const target of TARGETS) expect(report.plan).toContainEqual({ target, kind: 'kill' });
    for (const [service, restarts] of report.restarts) expect([service, restarts]).not.toEqual([service, 0]);
    expect(report.record.met.length).toBeGreaterThan(5);
    expect(report.checkpoints).toBeGreaterThan(5);
    expect(report.askedAgain).toBeGreaterThan(300);
  }, 180_000);
});
