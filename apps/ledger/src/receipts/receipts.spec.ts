import fc from 'fast-check';
import { act } from '@bailiwick/authority/testing/harness';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { ACTION_RECEIPT, TREE_RECEIPT, type Envelope } from '@bailiwick/contracts/receipts/receipt';
import { custodyOf, isOnlyOpen } from '@bailiwick/receipts/custody';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { moves, play } from '@bailiwick/receipts/testing/random-log';
import { brokenAt, otherReceiptOf, SealedLog, statementOf, VKEY } from '@bailiwick/receipts/testing/sealed-log';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import { entryHash, leafHash } from '@bailiwick/transparency-log/hash';
import { parseVerifierKey } from '@bailiwick/transparency-log/note';
import { verifyProof } from '@bailiwick/transparency-log/proof';
import type { GrantView } from '@bailiwick/contracts/grants/grant';
import type { LogLedger } from '../follower/log-ledger';
import { custodyFor } from './custodies';
import { receiptOf } from './receipts';
import { Bench, KEY, LOG } from '../testing/bench';

fc.configureGlobal({ seed: 20260141 });

let bench: Bench;
beforeAll(async () => {
  bench = await Bench.open();
}, 120_000);
afterAll(() => bench.close());
beforeEach(() => bench.reset());

const claimed = (envelope: Envelope | undefined, ledger: LogLedger): { broken: string; claims: unknown } => {
  const verification = verifyReceipt(envelope, ledger.vkey);
  const { events: _, ...claims } = verification.statement?.predicate ?? ({} as never);
  return { broken: brokenAt(verification), claims };
};
const proved = (proof: string | undefined, body: string, ledger: LogLedger): bigint | undefined => {
  const key = parseVerifierKey(ledger.vkey);
  const verified = key.ok && verifyProof(proof ?? '', leafHash(entryHash(body)), key.value);
  return verified && verified.ok ? verified.value.index : undefined;
};
const wanted = (log: SealedLog, runId: string): unknown => {
  const { events: _, ...claims } = statementOf(log, runId).predicate;
  return JSON.parse(JSON.stringify(claims));
};

describe('receiptOf', () => {
  it('makes receipts that the key of the log verifies and whose claims match those from the whole log', async () => {
    const { log, runId, rootId, childId } = busyRun();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    for (const id of [runId, rootId, childId]) {
      expect(claimed(await receiptOf(ledger, bench, KEY, { id }), ledger)).toEqual({
        broken: '',
        claims: wanted(log, id),
      });
    }
    expect(await receiptOf(ledger, bench, KEY, { id: 'run_0_none' })).toBeUndefined();
    const treeId = log.last('RunOpened').treeId as string;
    const { actionId } = log.last('ActionPermitted');
    for (const [type, id] of [
      [TREE_RECEIPT, treeId],
      [ACTION_RECEIPT, actionId as string],
    ] as const) {
      const { broken, claims } = claimed(await receiptOf(ledger, bench, KEY, { id, type }), ledger);
      const { statement } = verifyReceipt(otherReceiptOf(log, type, id), VKEY);
      const { events: _, ...expected } = statement?.predicate ?? ({} as never);
      expect({ broken, claims }).toEqual({ broken: '', claims: expected });
      expect(await receiptOf(ledger, bench, KEY, { id: `${id.slice(0, 6)}none`, type })).toBeUndefined();
    }
  });

  it('makes such receipts for the runs of random logs', async () => {
    await fc.assert(
      fc.asyncProperty(moves(40), async (all) => {
        const log = new SealedLog();
        for (const move of all) play(log, move);
        await bench.reset();
        const ledger = bench.start();
        await bench.feed(ledger, log);
        for (const id of [...log.state.runs.keys()].slice(0, 5)) {
          expect(claimed(await receiptOf(ledger, bench, KEY, { id }), ledger)).toEqual({
            broken: '',
            claims: wanted(log, id),
          });
        }
      }),
      { numRuns: 12 },
    );
  }, 120_000);

  it('omits events that are not in the tree yet', async () => {
    const { log, runId } = busyRun();
    const ledger = bench.start();
    await bench.feed(ledger, log, 25);
    await bench.stop(ledger);
    await bench.append(log);
    const { broken, claims } = claimed(await receiptOf(ledger, bench, KEY, { id: runId }), ledger);
    expect(broken).toBe('');
    expect(claims).toMatchObject({ ended: null, revoked: [], children: [] });
    expect((claims as { actions: unknown[] }).actions).toHaveLength(5);
  });

  it('is consistent with the custody of every action', async () => {
    const { log } = busyRun();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    for (const event of log.events.filter(({ type }) => /^Action(Permitted|Denied|StepUp)$/.test(type))) {
      const custody = await custodyFor(ledger, bench, event.actionId as string);
      const links = custody?.links.map(({ proof: _, ...link }) => link);
      expect({ ...custody, links }).toEqual(custodyOf(event.actionId as string, log.story()));
      for (const { position, proof } of custody?.links ?? []) {
        const { body } = log.stored()[position] as { body: string };
        expect(proved(proof, body, ledger)).toBe(BigInt(position));
      }
      expect(custody?.findings.filter((finding) => !isOnlyOpen(finding))).toEqual([]);
    }
    expect(await custodyFor(ledger, bench, 'act_0_none')).toBeUndefined();
  });
});

describe('requests to a ledger', () => {
  const ask = (ledger: LogLedger, name: string, request: object): Promise<Answer> => bench.ask(ledger, name, request);
  const value = (answer: Answer): never => {
    if (!answer.ok) throw new Error(answer.refusal.detail);
    return answer.value as never;
  };

  it('do not find subjects of another tenant (I9)', async () => {
    const { log, runId } = busyRun();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const { actionId } = log.last('ActionPermitted');
    const { treeId } = log.last('RunOpened');
    const { revocationId } = log.last('RevocationRuleAdded').data;
    const asked: [string, object][] = [
      ['receipt', { runId }],
      ['receipt', { treeId }],
      ['receipt', { actionId }],
      ['drift', { runId }],
      ['graph', { runId }],
      ['custody', { actionId }],
      ['tree-at', { treeId, at: '5' }],
      ['revocation', { id: revocationId }],
    ];
    for (const [name, request] of asked) {
      expect(await ask(ledger, name, { tenant: 'default', ...request })).toMatchObject({ ok: true });
      expect(await ask(ledger, name, { tenant: 'other', ...request })).toMatchObject({
        ok: false,
        refusal: { code: 'NOT_FOUND' },
      });
      expect(await ask(ledger, name, { tenant: 'default', ...request, more: 1 })).toMatchObject({
        ok: false,
        refusal: { code: 'BAD_REQUEST' },
      });
    }
    for (const name of ['runs', 'grants', 'actions', 'approvals']) {
      expect(value(await ask(ledger, name, { tenant: 'other' }))).toMatchObject({ items: [], next: null });
      expect(
        (value(await ask(ledger, name, { tenant: 'default' })) as { items: unknown[] }).items.length,
      ).toBeGreaterThan(1);
    }
    expect(await ask(ledger, 'events', { tenant: 'other', log: LOG })).toMatchObject({ ok: false });
  });

  it('include everything that was in the log when they arrived, so that callers see their own writes', async () => {
    const { log, runId } = busyRun();
    const ledger = bench.start();
    await bench.feed(ledger, log, 1);
    await bench.append(log);
    expect(await ask(ledger, 'receipt', { tenant: 'default', runId })).toMatchObject({ ok: true });
  });

  it('list each item once for any page size', async () => {
    const { log } = busyRun();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    for (const [name, all] of [
      ['runs', log.state.runs.size],
      ['grants', log.state.grants.size],
      ['approvals', log.state.approvals.size],
      ['actions', log.events.filter(({ type }) => /^Action(Permitted|Denied|StepUp)$/.test(type)).length],
    ] as const) {
      for (const limit of [1, 2, 3, 50]) {
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page: { items: { id: string }[]; next: string | null } = value(
            await ask(ledger, name, { tenant: 'default', limit, cursor }),
          );
          seen.push(...page.items.map(({ id }) => id));
          expect(page.items.length).toBeLessThanOrEqual(limit);
          cursor = page.next ?? undefined;
        } while (cursor !== undefined && seen.length <= all);
        expect([name, limit, seen.length, new Set(seen).size]).toEqual([name, limit, all, all]);
      }
    }
  });

  it('list grants with their current usage and reservations, also right after a restart', async () => {
    const log = new SealedLog();
    const { grantId } = log.open();
    const child = log.child(grantId);
    const first = bench.start();
    await bench.feed(first, log);
    const used = async (ledger: LogLedger): Promise<unknown[]> => {
      const { items }: { items: GrantView[] } = value(await ask(ledger, 'grants', { tenant: 'default' }));
      return items.map(({ consumed, reserved, limits }) => [consumed.calls, reserved.cost, limits.budget.calls]);
    };
    expect(await used(first)).toEqual([
      [0, {}, 100],
      [0, {}, 100],
    ]);
    act(log, child.grantId, 'file.write', { cost: { USD: 3 } });
    act(log, grantId, 'file.read');
    await bench.feed(first, log);
    const now = [
      [2, { USD: 3 }, 100],
      [1, { USD: 3 }, 100],
    ];
    expect(await used(first)).toEqual(now);
    await bench.stop(first);
    const again = bench.start();
    expect(await again.reached(log.events.length - 1, 20_000)).toBe(true);
    expect(await used(again)).toEqual(now);
    expect(await ask(bench.make(), 'grants', { tenant: 'default' })).toMatchObject({
      ok: false,
      refusal: { code: 'NOT_READY' },
    });
  });

  it('return a tree at any position or time', async () => {
    const { log, runId, childId } = busyRun();
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const { treeId } = log.last('RunOpened');
    const at = async (where: string): Promise<{ runs: { id: string; status: string }[]; position: number }> =>
      value(await ask(ledger, 'tree-at', { tenant: 'default', treeId, at: where }));
    const childAt = log.events.findIndex((event) => event.runId === childId);
    expect((await at(String(childAt - 1))).runs.map(({ id }) => id)).not.toContain(childId);
    expect((await at(String(childAt))).runs.map(({ id }) => id)).toContain(childId);
    const before = await at('2026-01-01T00:00:01.000Z');
    expect(before.runs.find(({ id }) => id === runId)?.status).toBe('active');
    expect((await at(String(log.events.length - 1))).runs.find(({ id }) => id === runId)?.status).toBe('completed');
    expect(await ask(ledger, 'tree-at', { tenant: 'default', treeId, at: 'yesterday' })).toMatchObject({
      ok: false,
      refusal: { code: 'BAD_REQUEST' },
    });
  });

  it('return a revocation that stopped only suspended grants', async () => {
    const log = new SealedLog();
    const { grantId } = log.open();
    act(log, grantId, 'file.read');
    log.do('suspend', { grantId, reasonCode: 'LOOK' });
    log.do('revokeGrant', { grantId });
    const ledger = bench.start();
    await bench.feed(ledger, log);
    const { revocationId } = log.last('GrantRevoked').data;
    expect(value(await ask(ledger, 'revocation', { tenant: 'default', id: revocationId }))).toMatchObject({
      counts: { grants: 1, runs: 1, inFlight: 1 },
      consequences: [{ grantId }],
    });
  });
});
