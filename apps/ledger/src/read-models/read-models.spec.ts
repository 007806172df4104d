import fc from 'fast-check';
import { approvalStatus, revokedRequest } from '@bailiwick/authority/presentation/approval-status';
import { evolve, evolveUnasked } from '@bailiwick/authority/events/evolve';
import { isOpen } from '@bailiwick/authority/events/endings';
import { blockedItself } from '@bailiwick/authority/state/liveness';
import { chainOf, emptyState, type ApprovalNode } from '@bailiwick/authority/state/state';
import { act } from '@bailiwick/authority/testing/harness';
import { grantTerms, grantView, runView } from '@bailiwick/authority/presentation/views';
import type { Event } from '@bailiwick/contracts/events/event';
import type { GrantView } from '@bailiwick/contracts/grants/grant';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { moves, play } from '@bailiwick/receipts/testing/random-log';
import { ANN, SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { actionsOf } from '../search/actions';
import { itemsOf } from './projection';
import type { ItemRow } from './entities/item';
import { Bench, LOG } from '../testing/bench';

fc.configureGlobal({ seed: 20260139 });

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.reset());

const json = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
const byId = (a: { id: string }, b: { id: string }): number => (a.id < b.id ? -1 : 1);
const all = { tenant: 'default', limit: 10_000 };
const rowsOf = async (kind: ItemRow['kind']): Promise<ItemRow[]> => (await bench.store.items(kind, all)).sort(byId);
const DECISION = /^Action(Permitted|Denied|StepUp)$/;

/** Computes the expected rows from the events and the state after them. */
function expected({ events }: SealedLog): Record<'run' | 'grant' | 'approval' | 'action' | 'drift', object[]> {
  const state = emptyState(LOG, 'default', 0);
  for (const event of events) evolveUnasked(state, event); // this variant drops no tree
  const now = state.lastTime;
  return {
    run: [...state.runs.values()].map((run) => {
      const view = runView(state, run, { purpose: null, requestedBy: null }, now);
      return {
        id: run.id,
        position: run.position,
        treeId: run.treeId,
        runId: run.id,
        grantId: run.grantId,
        agentClass: run.agent.class,
        status: view.status,
        view: json(view),
      };
    }),
    grant: state.order.map((grant) => {
      const view = isOpen(grant.status) ? grantTerms(state, grant, now) : grantView(state, grant, now);
      return {
        id: grant.id,
        position: grant.position,
        treeId: grant.treeId,
        runId: grant.runId,
        grantId: grant.id,
        agentClass: state.runs.get(grant.runId)?.agent.class,
        status: view.status,
        view: json(view),
      };
    }),
    approval: [...state.approvals.values()].map((approval) => {
      const { id, kind, by, position, runId, treeId, actionId, grantId, risk } = approval;
      const revoked = approval.status === 'pending' && revokedRequest(state, approval, state.lastTime) !== undefined;
      const status = revoked ? 'revoked' : approval.status;
      return {
        id,
        position,
        runId,
        treeId,
        agentClass: state.runs.get(runId)?.agent.class,
        status,
        view: json({ id, kind, status, risk, decidedBy: by, actionId, grantId, runId, treeId, position }),
      };
    }),
    action: events.flatMap((event) => {
      const { position, runId, grantId, treeId, time } = event;
      if (!DECISION.test(event.type)) return [];
      const { verb, resource, reasons, charge } = event.data as Extract<Event, { type: 'ActionPermitted' }>['data'];
      const status = { ActionPermitted: 'permitted', ActionDenied: 'denied', ActionStepUp: 'stepped-up' }[
        event.type as 'ActionPermitted'
      ];
      return [
        expect.objectContaining(
          json({
            id: event.actionId,
            runId,
            grantId,
            treeId,
            verb,
            resource,
            reasons,
            decision: status,
            cost: charge.cost,
            time,
            position,
          }) as object,
        ) as object,
      ];
    }),
    drift: events.flatMap((event) =>
      event.type === 'DriftScored'
        ? [
            {
              id: String(event.position),
              position: event.position,
              runId: event.runId,
              status: 'scored',
              view: expect.objectContaining({ score: event.data.score }),
            },
          ]
        : [],
    ),
  };
}

async function check(log: SealedLog): Promise<void> {
  const wanted = expected(log);
  for (const kind of ['run', 'grant', 'approval', 'drift'] as const) {
    const rows = await rowsOf(kind);
    expect(rows.map(({ id }) => id)).toEqual((wanted[kind] as { id: string }[]).map(({ id }) => id).sort());
    (wanted[kind] as { id: string }[]).sort(byId).forEach((each, i) => {
      expect(rows[i]).toMatchObject({ log: LOG, ...each });
      expect(rows[i]?.view).toEqual((each as Partial<ItemRow>).view); // exactly, with no other members
    });
  }
  expect((await actionsOf(bench, log.state, { ...all, after: -1 })).items).toEqual(wanted.action);
}

describe('the read models', () => {
  it('match the events of a busy run: runs, grants, actions, approvals and drift', async () => {
    const { log } = busyRun();
    await bench.feed(bench.start(), log);
    await check(log);
    expect((await actionsOf(bench, log.state, { ...all, after: -1 })).items.length).toBeGreaterThan(10);
  });

  it('match the events of random logs', async () => {
    await fc.assert(
      fc.asyncProperty(moves(50), async (all) => {
        const log = new SealedLog();
        for (const move of all) play(log, move);
        log.tickAll();
        await bench.reset();
        await bench.feed(bench.start(), log);
        await check(log);
        await checkConsequences(log);
      }),
      { numRuns: 30 },
    );
  }, 120_000);

  it('update every grant that an ancestor or a rule stopped, in the same write', async () => {
    const log = new SealedLog();
    const root = log.open();
    const child = log.child(root.grantId, { delegation: { depth: 1, children: 1, classes: ['*'] } });
    const leaf = log.child(child.grantId);
    const ledger = bench.start();
    const statuses = async (): Promise<string[]> => {
      await bench.feed(ledger, log);
      const [runs, grants] = [await rowsOf('run'), await rowsOf('grant')];
      return [root, child, leaf].map(
        (each) =>
          `${runs.find(({ id }) => id === each.runId)?.status} ${grants.find(({ id }) => id === each.grantId)?.status}`,
      );
    };
    expect(await statuses()).toEqual(['active active', 'active active', 'active active']);
    log.do('suspend', { grantId: child.grantId, reasonCode: 'LOOK' });
    expect(await statuses()).toEqual(['active active', 'suspended suspended', 'suspended suspended']);
    log.do('resume', { grantId: child.grantId, reasonCode: 'LOOKED' });
    expect(await statuses()).toEqual(['active active', 'active active', 'active active']);
    log.strike({ agentClass: 'helper' });
    expect(await statuses()).toEqual(['active active', 'revoked revoked', 'revoked revoked']);
    log.do('completeRun', { runId: root.runId });
    expect(await statuses()).toEqual(['completed completed', 'completed completed', 'completed completed']);
  });

  it('update grants below a raised lease that were issued before it was raised', async () => {
    const log = new SealedLog();
    const root = log.open();
    const child = log.child(root.grantId);
    log.do('escalate', { runId: root.runId, want: { budget: { calls: 500 } } });
    log.do('decideApproval', {
      approvalId: log.last('ApprovalRequested').data.approvalId,
      verdict: 'approve',
      actor: ANN,
    });
    const ledger = bench.start();
    await bench.feed(ledger, log);
    await check(log);
    log.do('suspend', { grantId: root.grantId, reasonCode: 'LOOK' });
    await bench.feed(ledger, log);
    await check(log);
    expect((await rowsOf('grant')).find(({ id }) => id === child.grantId)?.status).toBe('suspended');
  });

  it('contain the counts of ended leases, including later outcomes, and write no row for counts of open leases', async () => {
    const log = new SealedLog();
    const root = log.open();
    const child = log.child(root.grantId);
    const calls = [1, 2, 3].map((n) => act(log, child.grantId, 'file.write', { cost: { USD: n } }).actionId as string);
    const settled = (cost: number): string[] => {
      const actionId = calls.shift() as string;
      const [event] = log.do('settle', { actionId, outcome: { status: 'completed', cost: { USD: cost } } });
      return itemsOf(log.state, event as Event).map(({ id }) => id);
    };
    const counted = async (): Promise<unknown[]> => {
      await bench.feed(ledger, log);
      const views = (await rowsOf('grant')).map((row) => [row.id, row.view as Partial<GrantView>] as const);
      return [root, child].map(({ grantId }) => {
        const view = views.find(([id]) => id === grantId)?.[1];
        return [view?.status, view?.consumed?.cost, view?.reserved?.cost];
      });
    };
    const ledger = bench.start();
    expect(settled(1)).toEqual([]);
    expect(await counted()).toEqual([
      ['active', undefined, undefined],
      ['active', undefined, undefined],
    ]);
    log.do('completeRun', { runId: child.runId });
    expect(settled(2)).toEqual([child.grantId]);
    expect(await counted()).toEqual([
      ['active', undefined, undefined],
      ['completed', { USD: 6 }, { USD: 3 }],
    ]);
    log.do('completeRun', { runId: root.runId });
    expect(settled(1)).toEqual([child.grantId, root.grantId]);
    expect(await counted()).toEqual([
      ['completed', { USD: 4 }, {}],
      ['completed', { USD: 4 }, {}],
    ]);
  });

  it('list the consequences of a revocation: live and suspended grants, with calls in flight and reserved cost', async () => {
    const log = new SealedLog();
    const root = log.open();
    const child = log.child(root.grantId);
    const done = log.child(root.grantId);
    act(log, child.grantId, 'file.write', { cost: { USD: 3 } });
    act(log, child.grantId, 'file.write', { cost: { USD: 4 } });
    act(log, child.grantId, 'thing.delete');
    log.do('completeRun', { runId: done.runId });
    log.do('suspend', { grantId: root.grantId, reasonCode: 'LOOK' });
    const [revoked] = log.do('revokeGrant', { grantId: root.grantId });
    await bench.feed(bench.start(), log);
    const rows = await bench.store.consequences(
      'default',
      revoked?.type === 'GrantRevoked' ? revoked.data.revocationId : '',
    );
    expect(
      rows
        .map(({ grantId, inFlight, pendingApprovals, reservedCost }) => ({
          grantId,
          inFlight,
          pendingApprovals,
          reservedCost,
        }))
        .sort((a, b) => b.inFlight - a.inFlight),
    ).toEqual([
      { grantId: child.grantId, inFlight: 2, pendingApprovals: 1, reservedCost: { USD: 7 } },
      { grantId: root.grantId, inFlight: 0, pendingApprovals: 0, reservedCost: {} },
    ]);
  });

  it('return the consequences of a revocation in pages, each once, and count all of them', async () => {
    const log = new SealedLog();
    const root = log.open();
    const ids = [root, log.child(root.grantId), log.child(root.grantId)].map(({ grantId }) => grantId);
    act(log, root.grantId, 'file.write', { cost: { USD: 3 } });
    const [revoked] = log.do('revokeGrant', { grantId: root.grantId });
    const id = revoked?.type === 'GrantRevoked' ? revoked.data.revocationId : '';
    await bench.feed(bench.start(), log);
    const seen: string[] = [];
    for (let after: string | undefined; ;) {
      const page = await bench.store.consequencesAfter(LOG, id, after, 2);
      seen.push(...page.map(({ grantId }) => grantId));
      after = page.at(-1)?.grantId;
      if (page.length < 2) break;
    }
    expect(seen).toEqual(ids.toSorted());
    expect(await bench.store.countConsequences(LOG, id)).toEqual({
      grants: 3,
      runs: 3,
      inFlight: 1,
      pendingApprovals: 0,
      rows: 3,
    });
    expect(await bench.store.consequencesAfter('other/0', id, undefined, 2)).toEqual([]);
  });
});

/** Expects the consequences of each revocation to be the grants that could continue before it and cannot after it. */
async function checkConsequences(log: SealedLog): Promise<void> {
  const state = emptyState(LOG, 'default', 0);
  const ended = (id: string, now: number): boolean =>
    (chainOf(state, id) ?? []).some(
      (grant) => !['suspended', undefined].includes(blockedItself(state, grant, now)?.status),
    );
  for (const event of log.events) {
    const now = Date.parse(event.time);
    const living = [...state.grants.values()].filter(
      (grant) => grant.supersededBy === undefined && !ended(grant.id, now),
    );
    evolve(state, event);
    if (event.type !== 'GrantRevoked' && event.type !== 'RevocationRuleAdded') continue;
    const stopped = living.map(({ id }) => id).filter((id) => ended(id, now));
    const rows = await bench.store.consequences('default', event.data.revocationId);
    const ofGrants = rows.map(({ grantId }) => grantId).filter((id) => state.grants.has(id));
    if (event.type === 'RevocationRuleAdded' && event.data.target === 'tool')
      expect(stopped).toEqual([]); // its rows list the grants that lost the tool
    else expect(ofGrants.sort()).toEqual(stopped.sort());
    for (const { grantId: id } of rows.filter(({ grantId }) => !state.grants.has(grantId)))
      expect(approvalStatus(state, state.approvals.get(id) as ApprovalNode, now)).toBe('revoked');
  }
}
