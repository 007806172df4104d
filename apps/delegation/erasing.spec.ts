import { evolve } from '#authority/evolve';
import { stateDigest } from '#authority/snapshot';
import { emptyState } from '#authority/state';
import { REF } from '#authority/testing/harness';
import { isErasedBy } from '#contracts/erasure';
import { parseEvent, type EventOf } from '#contracts/event';
import { ANN, SealedLog, words } from '#receipts/testing/sealed-log';
import { moves, play } from '#receipts/testing/random-log';
import fc from 'fast-check';
import { reachOf } from './erasing';

fc.configureGlobal({ seed: 20261121, numRuns: 40 });

const OTHER = 'ref_0000000000000000000000000b';

/** Two people's runs, what happens to them, rules by name of each, and one who was erased before. */
function history(all: Parameters<typeof play>[1][]): SealedLog {
  const log = new SealedLog();
  const half = Math.floor(all.length / 2);
  const revoke = (principalRef: string, n: number): void =>
    void log.try('revokeSelector', {
      actor: ANN,
      revocationId: `rev_0_zzzzzzzzzzzzzzzzzzzzzzzzz${n}`,
      selector: { principalRef },
      force: true,
      payload: words({ reason: 'by name' }),
    });
  log.open(undefined, { principalRef: OTHER });
  for (const move of all.slice(0, half)) play(log, move);
  revoke(OTHER, 1);
  const found = { before: log.state.next, runs: 1, payloads: 1 };
  log.try('erase', { actor: ANN, subjectRef: REF, found, payload: words({ reason: 'she asked' }) });
  log.open(undefined, { principalRef: OTHER });
  for (const move of all.slice(half)) play(log, move);
  revoke(REF, 2);
  return log;
}

describe('what an erasure reaches', () => {
  it('is the same, told from the state and told from the bodies, at any position', () => {
    fc.assert(
      fc.property(moves(60), fc.nat(1_000), fc.constantFrom(REF, OTHER), (all, at, subjectRef) => {
        const { state, events, now } = history(all);
        const before = at % (state.next + 1);
        const { beside } = reachOf(state, subjectRef, before, now);
        const chosen = events.filter(
          (event) =>
            event.payloadDigest !== undefined &&
            event.position < before &&
            (beside.trees.includes(event.treeId ?? '') ||
              beside.positions.includes(event.position) ||
              (event.type === 'PayloadsErased' && event.data.subjectRef === subjectRef)),
        );
        const erasure = {
          type: 'PayloadsErased',
          log: state.log,
          data: { subjectRef, before, runs: 0, payloads: 0 },
        } as EventOf<'PayloadsErased'>;
        const whose = new Map(
          events.flatMap((each) => (each.type === 'RunOpened' ? [[each.treeId, each.data.principalRef]] : [])),
        );
        const told = events.filter((event) => isErasedBy(erasure, event, whose.get(event.treeId)));
        expect(told.map((event) => event.position)).toEqual(chosen.map((event) => event.position));
      }),
    );
  });

  it('changes no fold: the state is made of bodies', () => {
    fc.assert(
      fc.property(moves(40), (all) => {
        const log = history(all);
        const folded = emptyState(log.state.log, log.state.tenant, log.state.n);
        for (const event of log.events) evolve(folded, parseEvent(JSON.stringify(event)));
        expect(stateDigest(folded)).toBe(stateDigest(log.state));
      }),
    );
  });
});
