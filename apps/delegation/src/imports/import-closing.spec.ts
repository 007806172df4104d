import { act } from '@bailiwick/authority/testing/harness';
import { effectiveStatus } from '@bailiwick/authority/state/liveness';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { fromSnapshot, toSnapshot } from '@bailiwick/authority/state/snapshot';
import { evolve } from '@bailiwick/authority/events/evolve';
import { emptyState, chainOf, type LogState } from '@bailiwick/authority/state/state';
import { runView } from '@bailiwick/authority/presentation/views';
import { parseEvent } from '@bailiwick/contracts/events/event';
import { ACTION_RECEIPT, TREE_RECEIPT } from '@bailiwick/contracts/receipts/receipt';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { otherReceiptOf, VKEY, type SealedLog } from '@bailiwick/receipts/testing/sealed-log';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import { closing } from './import-closing';

const of = (log: SealedLog) => ({
  log: 'default/0',
  size: log.events.length,
  root: Buffer.alloc(32).toString('base64'),
  checkpoint: null,
  vkey: VKEY,
});
const live = (state: LogState): string[] =>
  [...state.grants.values()]
    .filter(({ id }) => effectiveStatus(state, chainOf(state, id) ?? [], state.lastTime) === 'active')
    .map(({ id }) => id);

/** A log with a live lease and a pending approval. */
function moving(): { log: SealedLog; runId: string; grantId: string } {
  const { log } = busyRun();
  const { runId, grantId } = log.open();
  log.open(undefined, { requireApproval: true });
  return { log, runId, grantId };
}

describe('closing', () => {
  it('ends all leases and pending approvals of an imported log', () => {
    const { log, grantId } = moving();
    expect(live(log.state)).toContain(grantId);
    const sealed = closing(log.state, of(log), false, log.now);
    const types = sealed.map(({ event }) => event.type).filter((type) => type !== 'ActionAbandoned');
    expect(types.slice(0, 2)).toEqual(['HistoryImported', 'RevocationRuleAdded']);
    expect(live(log.state)).toEqual([]);
    expect([...log.state.approvals.values()].filter(({ status }) => status === 'pending')).toEqual([]);
  });

  it('abandons permits without an outcome before it ends their leases', () => {
    const { log, grantId } = moving();
    const actions = [act(log, grantId, 'file.read'), act(log, grantId, 'file.write')].map(({ actionId }) => actionId);
    const before = [...log.state.actions.keys()];
    expect(before).toEqual(expect.arrayContaining(actions));
    const sealed = closing(log.state, of(log), false, log.now);
    const types = sealed.map(({ event }) => event.type);
    const abandoned = sealed.filter(({ event }) => event.type === 'ActionAbandoned');
    expect(abandoned.map(({ event }) => event.actionId).sort()).toEqual(before.sort());
    expect(types.lastIndexOf('ActionAbandoned')).toBeLessThan(types.indexOf('RevocationRuleAdded'));
    expect(log.state.actions.size).toBe(0);
  });

  it('keeps leases alive if the operator allows it, and still marks the events as imported', () => {
    const { log, grantId, runId } = moving();
    const sealed = closing(log.state, of(log), true, log.now);
    expect(sealed.map(({ event }) => event.type)).toEqual(['HistoryImported']);
    expect(live(log.state)).toContain(grantId);
    const run = log.state.runs.get(runId);
    expect(run && runView(log.state, run, {} as never, log.now)).toMatchObject({ imported: true });
  });

  it.each([true, false])('gives the same state from events and from a snapshot (live: %s)', (isLive) => {
    const { log } = moving();
    const sealed = closing(log.state, of(log), isLive, log.now);
    const again = emptyState(log.state.log, log.state.tenant, log.state.n);
    for (const event of log.events) evolve(again, parseEvent(JSON.stringify(event)));
    for (const { body } of sealed) evolve(again, parseEvent(body));
    expect(stateDigest(again)).toBe(stateDigest(log.state));
    expect(again.imported).toBe(log.events.length);
    const restored = fromSnapshot(toSnapshot(again));
    expect(stateDigest(restored)).toBe(stateDigest(again));
  });
});

describe('Receipts of imported events', () => {
  it.each(['tree', 'action'] as const)(
    'of a %s name the origin and its key, and state that this installation did not decide them',
    (kind) => {
      const { log, grantId } = moving();
      const { treeId, actionId } = act(log, grantId, 'file.read');
      const sealed = closing(log.state, of(log), true, log.now);
      log.events.push(...sealed.map(({ event }) => event));
      const [type, id] = kind === 'tree' ? ([TREE_RECEIPT, treeId] as const) : ([ACTION_RECEIPT, actionId] as const);
      const { ok, statement } = verifyReceipt(otherReceiptOf(log, type, id as string), VKEY);
      expect([ok, statement?.predicate.imported]).toMatchObject([
        true,
        [{ origin: VKEY.split('+')[0], vkey: VKEY, live: true }],
      ]);
      expect(statement?.predicate.doesNotProve.join('\n')).toContain('this installation did not decide them');
      const links = statement && 'custody' in statement.predicate ? statement.predicate.custody.links : [];
      expect(links.filter((link) => link.imported !== true)).toEqual([]);
    },
  );
});
