import { Audit } from '@bailiwick/audit/audit';
import { evolve } from '@bailiwick/authority/events/evolve';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { FOLD_VERSION } from '@bailiwick/authority/state/snapshot';
import type { CompiledRules } from '@bailiwick/authority/sequences/compile';
import { emptyState, type LogState } from '@bailiwick/authority/state/state';
import { parseEvent } from '@bailiwick/contracts/events/event';
import { readStored } from '@bailiwick/contracts/events/payload';
import type { Statement } from '@bailiwick/contracts/receipts/receipt';
import { canonicalDigest } from '@bailiwick/core/digest';
import { custodyOf } from '@bailiwick/receipts/custody';
import { makeStatement, readUnverified } from '@bailiwick/receipts/envelope';
import { idOf, KINDS } from '@bailiwick/receipts/kinds';
import { readStory, type StoryEntry } from '@bailiwick/receipts/story';
import { brokenAt } from '@bailiwick/receipts/testing/sealed-log';
import { verifyReceipt } from '@bailiwick/receipts/verify';
import { verifyReceipt as onWeb } from '@bailiwick/receipts/web/index';
import { parseVerifierKey } from '@bailiwick/transparency-log/note';
import { NO_RULES } from '../fixtures/events/pinned';
import { exported, receipts, snapshot, views } from '../fixtures/previous-build/read';

const { header, events } = exported();
const [log] = header.logs as [(typeof header.logs)[number]];

/** The events of the export before a position, as a receipt reads them. */
const entries = (before = events.length): StoryEntry[] => events.slice(0, before).map(readStored);

/** Folds the events before a position. */
function folded(before: number, rules?: CompiledRules): LogState {
  const state = emptyState(log.log, header.tenant, 0);
  if (rules) state.policies.ofRelease = rules;
  for (const { body } of events.slice(0, before)) evolve(state, parseEvent(body));
  return state;
}

describe('an export of the previous build', () => {
  it('passes the audit of every rule, against its signed head', () => {
    const parsed = parseVerifierKey(log.vkey);
    if (!parsed.ok) throw new Error(parsed.error);
    const key = parsed.value;
    const audit = new Audit({
      log: log.log,
      origin: key.name,
      keys: [key],
      heads: [{ note: log.checkpoint as string }],
    });
    for (const event of events) audit.add(event);
    expect(audit.report()).toMatchObject({
      size: log.size,
      root: log.root,
      state: stateDigest(folded(events.length)),
      checkpoints: 1,
      findings: [],
    });
  });

  it('has events of the kinds that installations store', () => {
    const types = new Set(events.map(({ body }) => parseEvent(body).type));
    for (const type of ['ActionDenied', 'ApprovalGiven', 'DriftScored', 'GrantRevoked', 'PayloadsErased'])
      expect([type, types.has(type as never)]).toEqual([type, true]);
  });
});

describe('a snapshot of the previous build', () => {
  const { foldVersion, position, digest } = snapshot();

  it('is the state that the events before it fold to', () => {
    expect(foldVersion).toBeLessThanOrEqual(FOLD_VERSION);
    // in addition to it, this build keeps what its rules over sequences count, what requested approvals are about, and who
    // opened runs and gave answers
    const state = folded(position, NO_RULES);
    for (const approval of state.approvals.values())
      Object.assign(approval, { resource: undefined, call: undefined, answers: undefined });
    for (const run of state.runs.values()) Object.assign(run, { openedBy: undefined, approvers: undefined });
    expect(stateDigest(state)).toBe(digest);
  });
});

describe('receipts of the previous build', () => {
  const { vkey, receipts: made } = receipts();

  it.each(Object.entries(made))('verify: %s', (_kind, receipt) => {
    expect(brokenAt(verifyReceipt(receipt, vkey))).toBe('');
    expect(brokenAt(onWeb(receipt, vkey))).toBe('');
  });

  it.each(Object.entries(made))(
    'contain the events and claims that this build selects and states: %s',
    (_kind, receipt) => {
      const was = readUnverified(receipt);
      expect(stated(was, treeSize(was))).toEqual(was);
    },
  );

  it('have the chain of custody that this build derives', () => {
    const { completed, custody } = views();
    const links = custody.links.map(({ proof: _, ...link }) => link);
    expect(custodyOf(completed.actionId, readStory(entries()))).toEqual({ ...custody, links });
  });
});

/** The size of the tree that the proofs of a receipt lead to. */
function treeSize(statement: Statement): number {
  const [, size] = /\n(\d+)\n/.exec(checkpointIn(statement)) ?? [];
  return Number(size);
}
const checkpointIn = ({ predicate }: Statement): string => {
  const proof = predicate.events[0]?.proof ?? '';
  return proof.slice(proof.indexOf('\n\n'));
};

/** Makes the statement again, from the events of the export before a position; the proofs are those of the receipt. */
function stated(was: Statement, before: number): Statement {
  const kind = KINDS[was.predicateType];
  const chosen = kind.select(idOf(was), readStory(entries(before)));
  const claims = kind.summarise(idOf(was), readStory(chosen), canonicalDigest);
  const proofs = new Map(was.predicate.events.map(({ position, proof }) => [position, proof]));
  const proved = chosen.map(({ event: { position } }) => {
    const { log: of, body, payload } = events[position] as (typeof events)[number];
    return { log: of, position, body, payload, proof: proofs.get(position) ?? 'not in the receipt' };
  });
  return makeStatement(claims, proved);
}
