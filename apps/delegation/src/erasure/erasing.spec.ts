import { evolve } from '@bailiwick/authority/events/evolve';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { emptyState, type LogState } from '@bailiwick/authority/state/state';
import { endedTrees, forgetTree } from '@bailiwick/authority/testing/forget';
import { REF } from '@bailiwick/authority/testing/harness';
import { isErasedBy } from '@bailiwick/contracts/erasures/erasure';
import { parseEvent, type Event, type EventOf } from '@bailiwick/contracts/events/event';
import type { Opened } from '@bailiwick/event-store/payloads';
import { ANN, SealedLog, words } from '@bailiwick/receipts/testing/sealed-log';
import { moves, play } from '@bailiwick/receipts/testing/random-log';
import fc from 'fast-check';
import { previewErasure, reachOf, type Reach } from './erasing';

fc.configureGlobal({ seed: 20261121, numRuns: 40 });

const OTHER = 'ref_0000000000000000000000000b';

/** The runs of two people, random events of these runs, a rule that names each person, and one earlier erasure. */
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
  log.try('erase', { actor: ANN, subjectRef: REF, found, payload: words({ reason: 'requested by the person' }) });
  log.open(undefined, { principalRef: OTHER });
  for (const move of all.slice(half)) play(log, move);
  revoke(REF, 2);
  return log;
}

/** Computes what `openedFor` returns directly from the events. */
function openedIn(events: readonly Event[], subjectRef: string, before: number): Opened {
  const opened = events.filter(
    (event) => event.type === 'RunOpened' && event.data.principalRef === subjectRef && event.position < before,
  );
  return { runs: opened.length, trees: [...new Set(opened.map((event) => event.treeId as string))] };
}

/** The reach of an erasure as computed by an owner with this state of the log. */
function reached(state: LogState, log: SealedLog, subjectRef: string, before: number): Promise<Reach> {
  const owner = { read: <T>(read: (state: LogState, now: number) => T) => Promise.resolve(read(state, log.now)) };
  const payloads = {
    openedFor: (_log: string, ref: string, to: number) => Promise.resolve(openedIn(log.events, ref, to)),
  };
  return reachOf(owner, payloads, state.log, subjectRef, before);
}

describe('reachOf', () => {
  it('matches isErasedBy at any position, even if the owner no longer holds ended trees', async () => {
    let forgotten = 0;
    await fc.assert(
      fc.asyncProperty(moves(60), fc.nat(1_000), fc.constantFrom(REF, OTHER), async (all, at, subjectRef) => {
        const log = history(all);
        const { state, events } = log;
        const before = at % (state.next + 1);
        const ended = endedTrees(state);
        ended.forEach((id) => forgetTree(state, id));
        const { payloads } = await reached(state, log, subjectRef, before);
        forgotten += payloads.trees.filter((id) => ended.includes(id)).length;
        const chosen = events.filter(
          (event) =>
            event.payloadDigest !== undefined &&
            event.position < before &&
            (payloads.trees.includes(event.treeId ?? '') ||
              payloads.positions.includes(event.position) ||
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
        const expected = events.filter((event) => isErasedBy(erasure, event, whose.get(event.treeId)));
        expect(chosen.map((event) => event.position)).toEqual(expected.map((event) => event.position));
      }),
      { numRuns: 300 },
    );
    expect(forgotten).toBeGreaterThan(10);
  });

  it('counts all runs of the person, and as live only those with a live lease', async () => {
    const log = new SealedLog();
    const [first] = [log.open(), log.open()];
    log.open(undefined, { principalRef: OTHER });
    log.do('revokeGrant', { grantId: first.grantId, actor: ANN, payload: words({ note: 'enough' }) });
    forgetTree(log.state, first.treeId);
    expect(await reached(log.state, log, REF, log.state.next)).toMatchObject({ runs: 2, liveRuns: 1 });
    expect(await reached(log.state, log, REF, 1)).toMatchObject({ runs: 1, liveRuns: 0 });
    expect(await reached(log.state, log, OTHER, log.state.next)).toMatchObject({ runs: 1, liveRuns: 1 });
  });

  it('does not affect the fold, which reads only bodies', () => {
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

describe('previewErasure', () => {
  const kept = { PayloadsErased: 2 };
  const previewed = (counted: Record<string, number>, alone?: boolean) => {
    const log = new SealedLog();
    const owner = { read: <T>(read: (state: LogState, now: number) => T) => Promise.resolve(read(log.state, log.now)) };
    const payloads = {
      openedFor: () => Promise.resolve({ runs: 0, trees: [] }),
      count: () => Promise.resolve(counted),
      hasName: () => Promise.resolve(false),
    };
    return previewErasure(owner as never, payloads as never, log.state.log, REF, alone);
  };

  it('counts the reasons of earlier erasures, and erases them alone only on request', async () => {
    expect(await previewed(kept)).toMatchObject({ payloads: 0, byType: {}, earlierReasons: 2 });
    expect(await previewed(kept, true)).toMatchObject({ payloads: 2, byType: kept, earlierReasons: 2 });
    expect(await previewed({ RunOpened: 1, ...kept })).toMatchObject({ payloads: 3, earlierReasons: 2 });
  });

  it('takes no reason for an erasure of earlier reasons', () => {
    const log = new SealedLog();
    const found = { before: 0, runs: 0, payloads: 2 };
    const request = { actor: ANN, subjectRef: REF, found, earlierReasons: true } as const;
    expect(log.try('erase', { ...request, payload: words({ reason: 'again' }) })).toMatchObject({
      refusal: { code: 'BAD_REQUEST' },
    });
    expect(log.try('erase', request)).not.toHaveProperty('refusal.code');
    expect(log.last('PayloadsErased').payloadDigest).toBeUndefined();
  });
});
