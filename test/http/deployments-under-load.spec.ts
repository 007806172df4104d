import type { EventOf } from '@bailiwick/contracts/events/event';
import type { ProblemError } from '@bailiwick/client/client';
import { open } from '../e2e/leases';
import { Stack, until } from '../support/stack';

const CLIENTS = 16;
const DEPLOYMENTS = 8;

let stack: Stack;
beforeAll(async () => {
  stack = await Stack.tenant();
}, 120_000);
afterAll(() => stack.stop());

/** A bundle by which following a parcel has one effect. */
const meaning = (effect: string) => ({
  'policy.yaml': `catalog: [{ match: [parcel.track], effects: [${effect}], risk: low, words: follow parcels }]\n`,
});

/** The effect of the call by a version. */
const effectBy = (version: number): string => (version % 2 ? 'read' : 'write');

describe('policies that are deployed while many clients ask for decisions', () => {
  it('judge each decision by exactly one version, the one in force at its position', async () => {
    const grants = await Promise.all(
      Array.from({ length: 8 }, () =>
        open(stack.as('orchestrator'), {
          actions: { allow: ['parcel.*'] },
          budget: { calls: 100_000, reads: 100_000, writes: 100_000, external: 0 },
          purpose: { onDrift: { stepUpAt: 1, suspendAt: 1 } }, // disables drift, so that only the catalog matters
        }),
      ),
    );
    const enforcer = stack.as('enforcer');
    const admin = stack.as('admin');
    const answered = new Map<string, number>();
    let deploying = true;
    const client = async (n: number): Promise<void> => {
      while (deploying) {
        const grantId = grants[n % grants.length]?.grant.id as string;
        const call = { action: { verb: 'parcel.track' }, resource: { type: 'parcel', id: 'p-1' } };
        const answer = await enforcer.act({ grantId, ...call });
        if (answer.decision !== 'permit') throw new Error(JSON.stringify(answer.reasons));
        answered.set(answer.actionId, answer.policy ?? 0);
        await enforcer.settle(answer.actionId, { status: 'completed' });
      }
    };
    await admin.deployPolicy(meaning(effectBy(1)), 0);
    const clients = Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(n)));
    const more = async (): Promise<void> => {
      const before = answered.size;
      await until('more decisions', () => answered.size >= before + CLIENTS);
    };
    try {
      await Promise.race([clients, more()]);
      for (let version = 2; version <= DEPLOYMENTS; version++) {
        await admin.deployPolicy(meaning(effectBy(version)), version - 1);
        await Promise.race([clients, more()]);
      }
      const late = await admin.deployPolicy(meaning('read'), DEPLOYMENTS - 1).catch((error: unknown) => error);
      expect((late as ProblemError).code).toBe('CONFLICT');
    } finally {
      deploying = false;
    }
    await clients;

    let inForce = 0;
    const decided = new Map<string, number>();
    const differ: unknown[] = [];
    for (const event of await allEvents()) {
      if (event.type === 'PolicyDeployed') inForce = (event.data as EventOf<'PolicyDeployed'>['data']).version;
      if (event.type !== 'ActionPermitted') continue;
      const action = event.data as EventOf<'ActionPermitted'>['data'];
      const policy = action.policy ?? 0;
      decided.set(event.actionId as string, policy);
      if (policy !== inForce || action.effect !== effectBy(inForce)) differ.push({ ...action, inForce });
    }
    expect(differ).toEqual([]);
    expect(decided).toEqual(answered);
    expect(new Set(decided.values()).size).toBe(DEPLOYMENTS);
  }, 120_000);
});

interface Stored {
  readonly type: string;
  readonly actionId?: string;
  readonly position: number;
  readonly data: unknown;
}

async function allEvents(): Promise<Stored[]> {
  const { positions } = await stack.as('responder').revoke(await someGrant(), 'the test ends');
  const last = positions[stack.log] as number;
  const all: Stored[] = [];
  while (all.length <= last) {
    const page = await stack.as('analyst').events({ after: all.length - 1, limit: 1_000, minPosition: last });
    all.push(...(page.items as unknown as Stored[]));
  }
  return all;
}

async function someGrant(): Promise<string> {
  const { grant } = await open(stack.as('orchestrator'));
  return grant.id;
}
