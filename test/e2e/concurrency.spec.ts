import { ProblemError } from '@bailiwick/client/client';
import type { EventOf } from '@bailiwick/contracts/events/event';
import { Stack } from '../support/stack';
import { open } from './leases';

const CLIENTS = 64;
const TRIES = 12;
const CAP = { calls: 300, reads: 400, writes: 400, external: 400, cost: { USD: 3_000 } };
const CHILD_CALLS = 70;

/** I3: all runs of a subtree share one budget, whichever client asks and however many ask concurrently. */
describe('64 concurrent clients under several grants of one tree', () => {
  let stack: Stack;
  beforeAll(async () => {
    stack = await Stack.tenant();
  }, 120_000);
  afterAll(() => stack.stop());

  it('never exceed a cap by one, and the events add up to the counters', async () => {
    const root = await open(stack.as('orchestrator'), {
      budget: CAP,
      risk: { ceiling: 'high', approvalFrom: 'irreversible' },
      purpose: { onDrift: { stepUpAt: 1, suspendAt: 1 } }, // disables drift, so that only budgets matter
    });
    const agent = stack.as('orchestrator').as(root.token);
    const children = await Promise.all(
      Array.from({ length: 6 }, (_, i) =>
        agent.delegate(root.grant.id, {
          agent: { class: `worker-${i}` },
          task: 'work',
          grant: { actions: { allow: ['file.*', 'email.send'] }, budget: { calls: CHILD_CALLS } },
        }),
      ),
    );
    const grants = children.map((child) => child.grant.id);
    const enforcer = stack.as('enforcer');
    const calls = [
      { action: { verb: 'file.read' }, resource: { type: 'file', id: 'a' } },
      { action: { verb: 'file.write' }, resource: { type: 'file', id: 'b' }, cost: { USD: 37 } },
      { action: { verb: 'email.send' }, resource: { type: 'mailbox', id: 'c' }, cost: { USD: 11 } },
    ];
    const client = async (n: number): Promise<void> => {
      for (let i = 0; i < TRIES; i++) {
        const call = calls[(n + i) % calls.length] as (typeof calls)[number];
        const grantId = grants[(n * 7 + i) % grants.length] as string;
        const answer = await enforcer.act({ grantId, ...call }).catch(beyondRefusals);
        if (answer?.decision !== 'permit') continue;
        // some complete, some fail, some never report
        if (i % 3 !== 2)
          await enforcer
            .settle(answer.actionId, {
              status: i % 3 === 0 ? 'completed' : 'failed',
              ...(call.cost && i % 3 === 0 ? { cost: { USD: call.cost.USD - 1 } } : {}),
            })
            .catch(settledByEnd);
      }
    };
    await Promise.all(Array.from({ length: CLIENTS }, (_, n) => client(n)));

    const { position } = await stack
      .as('responder')
      .revoke(root.grant.id, 'enough')
      .then(async (revoked) => ({ position: revoked.positions[stack.log] as number }));
    const events = await allEvents(stack, position);
    const rootView = await stack.as('analyst').grant(root.grant.id);
    const spent = sums(events);
    expect(spent.total).toEqual({ ...rootView.consumed, cost: rootView.consumed.cost });
    for (const counter of ['calls', 'reads', 'writes', 'external'] as const)
      expect(spent.total[counter]).toBeLessThanOrEqual(CAP[counter]);
    expect(spent.mostReserved).toBeLessThanOrEqual(CAP.cost.USD);
    for (const grantId of grants) {
      const view = await stack.as('analyst').grant(grantId);
      expect(spent.byGrant.get(grantId)).toEqual(view.consumed);
      expect(view.consumed.calls).toBeLessThanOrEqual(CHILD_CALLS);
    }
    expect(spent.total.calls).toBeGreaterThan(100); // proves that some calls were permitted
    expect(
      Math.max(spent.total.calls / CAP.calls, spent.total.writes / CAP.writes, spent.total.external / CAP.external),
    ).toBe(1); // and that a cap was reached exactly
  });
});

/** Accepts 429: this many refusals exceed their budget, and some are only counted, without an event. */
function beyondRefusals(error: unknown): undefined {
  if (!(error instanceof ProblemError) || error.status !== 429) throw error;
  return undefined;
}

/** Accepts an action already settled: the end of its lease may have settled it concurrently. */
function settledByEnd(error: unknown): void {
  if (!(error instanceof ProblemError) || error.status !== 409) throw error;
}

type Stored = { type: string; actionId?: string; grantId?: string; position: number; data: unknown };

async function allEvents(stack: Stack, last: number): Promise<Stored[]> {
  const all: Stored[] = [];
  while (all.length <= last) {
    const page = await stack.as('analyst').events({ after: all.length - 1, limit: 1_000, minPosition: last });
    all.push(...(page.items as unknown as Stored[]));
  }
  return all;
}

interface Spent {
  calls: number;
  reads: number;
  writes: number;
  external: number;
  cost: Record<string, number>;
}

/** Computes usage from the events alone: counts at the permit, money as reserved and then as settled. */
function sums(events: readonly Stored[]) {
  const total: Spent = { calls: 0, reads: 0, writes: 0, external: 0, cost: {} };
  const byGrant = new Map<string, Spent>();
  const open = new Map<string, { grantId: string; usd: number }>();
  let mostReserved = 0;
  const add = (grantId: string, counter: keyof Omit<Spent, 'cost'>, n: number): void => {
    total[counter] += n;
    of(grantId)[counter] += n;
  };
  const of = (grantId: string): Spent => {
    const known = byGrant.get(grantId) ?? { calls: 0, reads: 0, writes: 0, external: 0, cost: {} };
    byGrant.set(grantId, known);
    return known;
  };
  const pay = (grantId: string, usd: number): void => {
    for (const each of [total, of(grantId)]) {
      const sum = (each.cost.USD ?? 0) + usd;
      if (sum === 0) delete each.cost.USD;
      else each.cost.USD = sum;
    }
    mostReserved = Math.max(mostReserved, total.cost.USD ?? 0);
  };
  for (const event of events) {
    if (event.type === 'ActionPermitted') {
      const { charge } = event.data as EventOf<'ActionPermitted'>['data'];
      const grantId = event.grantId as string;
      for (const counter of ['calls', 'reads', 'writes', 'external'] as const) add(grantId, counter, charge[counter]);
      const usd = charge.cost.USD ?? 0;
      pay(grantId, usd);
      open.set(event.actionId as string, { grantId, usd });
    } else if (/^Action(Completed|Failed|Abandoned)$/.test(event.type)) {
      const { grantId, usd } = open.get(event.actionId as string) as { grantId: string; usd: number };
      open.delete(event.actionId as string);
      pay(grantId, ((event.data as EventOf<'ActionCompleted'>['data']).cost.USD ?? 0) - usd);
    }
  }
  return { total, byGrant, mostReserved };
}
