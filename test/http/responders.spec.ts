import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open, read } from '../e2e/leases';
import { bailiwick } from '../support/cli';
import { http, Stack } from '../support/stack';

/** YAML, as JSON is */
const RESPONDERS = JSON.stringify(
  {
    responders: [
      {
        name: 'canary-touched',
        on: { canary: { resource: { type: 'file', match: 'canary.md' } } },
        do: 'suspend',
        select: 'class',
        lasts: '1h',
        limit: { most: 1, within: '1h' },
        says: 'A run read the canary.',
      },
    ],
  },
  undefined,
  2,
);

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.tenant();
}, 120_000);
afterAll(() => stack.stop());

describe('the responders of a policy', () => {
  it('are rehearsed over the recorded log, then suspend, and prepare beyond their limit', async () => {
    const [orchestrator, enforcer, analyst] = [stack.as('orchestrator'), stack.as('enforcer'), stack.as('analyst')];
    const [bad, honest] = [await open(orchestrator), await open(orchestrator)];
    await enforcer.act(read(bad.grant.id, 'canary.md'));
    await http(stack, 'POST', `/v1/runs/${honest.run.id}/completion`, {
      key: stack.keys.orchestrator as string,
      body: {},
    });
    const bundle = { 'responders.yaml': RESPONDERS };
    const rehearsed = await analyst.rehearseResponders({ bundle });
    expect(rehearsed.responders).toMatchObject([{ name: 'canary-touched', suspensions: 1, stopped: 2, honest: 1 }]);
    expect(rehearsed.firings).toMatchObject([{ did: 'suspend', selector: { agentClass: 'tester' }, stopped: 2 }]);
    expect(rehearsed.honest).toMatchObject([{ runId: honest.run.id, responder: 'canary-touched' }]);
    expect((await enforcer.act(read(bad.grant.id))).decision).toBe('permit'); // nothing was done

    const folder = join(stack.dataDir, 'responders');
    mkdirSync(folder);
    writeFileSync(join(folder, 'responders.yaml'), RESPONDERS);
    const cli = await bailiwick(['policy', 'responders', '--policy', folder, '--since', '1h'], {
      BAILIWICK_DATA: stack.dataDir,
    });
    expect([cli.code, cli.out]).toEqual([0, expect.stringMatching(/canary-touched +suspend +class +1 +0 +0 +0 +2 +1/)]);

    await stack.as('admin').deployPolicy(bundle, 0);
    await enforcer.act(read(bad.grant.id, 'canary.md'));
    expect((await enforcer.act(read(bad.grant.id))).decision).toBe('deny');
    const other = await open(orchestrator, {}, 'other');
    await enforcer.act(read(other.grant.id, 'canary.md'));
    expect((await enforcer.act(read(other.grant.id))).decision).toBe('permit');

    const { items } = await analyst.get<{ items: { position: number; data: Fired }[] }>(
      '/v1/events?type=ResponderFired',
    );
    const [suspended, prepared] = items.map(({ data }) => data);
    expect([suspended?.did, prepared?.did, prepared?.limited]).toEqual(['suspend', 'prepare', 'responder']);
    const record = await stack
      .as('responder')
      .get<{ by: string; mode: string }>(`/v1/revocations/${suspended?.revocationId}`);
    expect(record).toMatchObject({ by: 'responder:canary-touched of policy version 1', mode: 'suspend' });

    const revoke = (digest?: string) =>
      http(stack, 'POST', '/v1/revocations', {
        key: stack.keys.responder as string,
        body: { selector: prepared?.selector, reason: 'look', digest },
      });
    const late = await open(orchestrator, {}, 'other');
    expect((await revoke(prepared?.digest)).status).toBe(409); // one more than was prepared
    await http(stack, 'POST', `/v1/runs/${late.run.id}/completion`, {
      key: stack.keys.orchestrator as string,
      body: {},
    });
    expect((await revoke(`1${prepared?.digest}`)).status).toBe(409); // no responder prepared that
    expect((await revoke(prepared?.digest)).status).toBe(200);
    expect((await enforcer.act(read(other.grant.id))).decision).toBe('deny');
  });

  it('are refused with line and column if they have problems', async () => {
    const bundle = { 'a.yaml': RESPONDERS.replace('"canary"', '"canery"') };
    const refused = await http(stack, 'POST', '/v1/policies/responders', {
      key: stack.keys.analyst as string,
      body: { bundle },
    });
    expect(refused.status).toBe(422);
    expect(refused.body.problems).toContainEqual(
      expect.objectContaining({ file: 'a.yaml', line: 6, column: 9, suggestion: 'canary' }),
    );
  });
});

interface Fired {
  readonly did: string;
  readonly limited?: string;
  readonly revocationId?: string;
  readonly digest: string;
  readonly selector: object;
}
