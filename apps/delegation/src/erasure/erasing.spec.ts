import { evolve } from '@bailiwick/authority/events/evolve';
import { stateDigest } from '@bailiwick/authority/state/snapshot';
import { emptyState, type LogState } from '@bailiwick/authority/state/state';
import { endedTrees, forgetTree } from '@bailiwick/authority/testing/forget';
import { REF } from '@bailiwick/authority/testing/harness';
import { isErasedBy } from '@bailiwick/contracts/erasure';
import { parseEvent, type Event, type EventOf } from '@bailiwick/contracts/event';
import type { Opened } from '@bailiwick/event-store/payloads';
import { ANN, SealedLog, words } from '@bailiwick/receipts/testing/sealed-log';
import { moves, play } from '@bailiwick/receipts/testing/random-log';
import fc from 'fast-check';
import { previewErasure, reachOf, type Reach } from './erasing';

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

/** What the event log finds: told here the long way. */
function openedIn(events: readonly Event[], subjectRef: string, before: number): Opened {
  const hers = events.filter(
    (event) => event.type === 'RunOpened' && event.data.principalRef === subjectRef && event.position < before,
  );
  return { runs: hers.length, trees: [...new Set(hers.map((event) => event.treeId as string))] };
}

/** What is reached by an owner that has this state, of a log with these events. */
function reached(state: LogState, log: SealedLog, subjectRef: string, before: number): Promise<Reach> {
  const owner = { read: <T>(read: (state: LogState, now: number) => T) => Promise.resolve(read(state, log.now)) };
  const payloads = {
    openedFor: (_log: string, ref: string, to: number) => Promise.resolve(openedIn(log.events, ref, to)),
  };
  return reachOf(owner, payloads, state.log, subjectRef, before);
}

describe('what an erasure reaches', () => {
  it('is the same, told by an owner that has forgotten what ended and told from the bodies, at any position', async () => {
    let forgotten = 0;
    await fc.assert(
      fc.asyncProperty(moves(60), fc.nat(1_000), fc.constantFrom(REF, OTHER), async (all, at, subjectRef) => {
        const log = history(all);
        const { state, events } = log;
        const before = at % (state.next + 1);
        const ended = endedTrees(state);
        ended.forEach((id) => forgetTree(state, id));
        const { beside } = await reached(state, log, subjectRef, before);
        forgotten += beside.trees.filter((id) => ended.includes(id)).length;
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
      { numRuns: 300 },
    );
    expect(forgotten).toBeGreaterThan(10);
  });

  it('counts all her runs, and as live only those that go on', async () => {
    const log = new SealedLog();
    const [first] = [log.open(), log.open()];
    log.open(undefined, { principalRef: OTHER });
    log.do('revokeGrant', { grantId: first.grantId, actor: ANN, payload: words({ note: 'enough' }) });
    forgetTree(log.state, first.treeId);
    expect(await reached(log.state, log, REF, log.state.next)).toMatchObject({ runs: 2, liveRuns: 1 });
    expect(await reached(log.state, log, REF, 1)).toMatchObject({ runs: 1, liveRuns: 0 });
    expect(await reached(log.state, log, OTHER, log.state.next)).toMatchObject({ runs: 1, liveRuns: 1 });
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

describe('the reason of an erasure', () => {
  const kept = { PayloadsErased: 2 };
  const previewed = (counted: Record<string, number>, alone?: boolean) => {
    const log = new SealedLog();
    const owner = { read: <T>(read: (state: LogState, now: number) => T) => Promise.resolve(read(log.state, log.now)) };
    const payloads = {
      openedFor: () => Promise.resolve({ runs: 0, trees: [] }),
      count: () => Promise.resolve(counted),
    };
    return previewErasure(owner as never, payloads as never, log.state.log, REF, alone);
  };

  it('is counted, and is erased alone only where that is asked for', async () => {
    expect(await previewed(kept)).toMatchObject({ payloads: 0, byType: {}, earlierReasons: 2 });
    expect(await previewed(kept, true)).toMatchObject({ payloads: 2, byType: kept, earlierReasons: 2 });
    expect(await previewed({ RunOpened: 1, ...kept })).toMatchObject({ payloads: 3, earlierReasons: 2 });
  });

  it('is not followed by another: an erasure of earlier reasons has none', () => {
    const log = new SealedLog();
    const found = { before: 0, runs: 0, payloads: 2 };
    const asked = { actor: ANN, subjectRef: REF, found, earlierReasons: true } as const;
    expect(log.try('erase', { ...asked, payload: words({ reason: 'again' }) })).toMatchObject({
      refusal: { code: 'BAD_REQUEST' },
    });
    expect(log.try('erase', asked)).not.toHaveProperty('refusal.code');
    expect(log.last('PayloadsErased').payloadDigest).toBeUndefined();
  });
});
