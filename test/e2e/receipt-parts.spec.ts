import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LIMITS } from '@bailiwick/core/limits';
import { bailiwick, type Ran } from '../support/cli';
import { Stack } from '../support/stack';
import { open, read, WIDE } from './leases';

const PER_BATCH = LIMITS.actionsPerBatch;
/** one call more than a receipt in one envelope holds, with its permit and its outcome */
const BATCHES = Math.ceil((LIMITS.receiptEvents / 2 + 1) / PER_BATCH);

describe('the receipt of a run with more events than one envelope holds', () => {
  let stack: Stack;
  let runId: string;
  beforeAll(async () => {
    stack = await Stack.tenant();
    const calls = 2 * BATCHES * PER_BATCH;
    const { run, grant, token } = await open(stack.as('orchestrator'), {
      budget: { ...WIDE.budget, calls, reads: calls },
    });
    const enforcer = stack.as('enforcer');
    for (let batch = 0; batch < BATCHES; batch++) {
      const { answers } = await enforcer.actAll(Array.from({ length: PER_BATCH }, () => read(grant.id)));
      await Promise.all(
        answers.map((answer) => {
          if (!('decision' in answer) || answer.decision !== 'permit') throw new Error(JSON.stringify(answer));
          return enforcer.settle(answer.actionId, { status: 'completed' });
        }),
      );
    }
    await stack.as('orchestrator').as(token).complete(run.id);
    runId = run.id;
  }, 240_000);
  afterAll(() => stack.stop());

  const run = (...args: string[]): Promise<Ran> => bailiwick(['--data', stack.dataDir, ...args]);

  it('is fetched in parts by the command line, verified offline, and shown to people', async () => {
    const file = join(stack.dataDir, 'receipt.json');
    expect((await run('receipt', 'get', runId, '--out', file)).code).toBe(0);
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines.length).toBeGreaterThan(LIMITS.receiptEvents / LIMITS.receiptPartEvents);

    const verify = async (name: string, text: string): Promise<Ran> => {
      writeFileSync(name, text);
      return run('receipt', 'verify', name, '--key', `${file}.vkey`);
    };
    const good = await verify(`${file}.copy`, lines.join('\n'));
    expect([good.code, good.err]).toEqual([0, '']);

    // other alterations: libs/receipts/src/web/parts.spec
    const { code, out } = await verify(`${file}.cut`, lines.slice(0, -1).join('\n'));
    expect([code, out]).toEqual([1, expect.stringContaining('✗') as string]);

    const shown = await run('receipt', 'show', file, '--key', `${file}.vkey`);
    expect([shown.code, shown.err]).toEqual([0, '']);
    expect(shown.out).toContain(runId);
  }, 120_000);

  it('is the same when written to a file and when printed', async () => {
    const printed = await run('receipt', 'get', runId);
    expect([printed.code, printed.err]).toEqual([0, '']);
    writeFileSync(join(stack.dataDir, 'printed.json'), printed.out);
    const { code } = await run(
      'receipt',
      'verify',
      join(stack.dataDir, 'printed.json'),
      '--key',
      join(stack.dataDir, 'receipt.json.vkey'),
    );
    expect(code).toBe(0);
  }, 120_000);
});
