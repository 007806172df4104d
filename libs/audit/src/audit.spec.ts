import fc from 'fast-check';
import { act } from '@bailiwick/authority/testing/harness';
import { stateDigest } from '@bailiwick/authority/state/snapshot';
import { busyRun } from '@bailiwick/receipts/testing/busy-run';
import { moves, play } from '@bailiwick/receipts/testing/random-log';
import { KEY, NAME, SealedLog, VKEY } from '@bailiwick/receipts/testing/sealed-log';
import { signCheckpoint } from '@bailiwick/transparency-log/checkpoint';
import { entryHash } from '@bailiwick/transparency-log/hash';
import { makeSigner, parseVerifierKey } from '@bailiwick/transparency-log/note';
import { seededKey, valueOf } from '@bailiwick/transparency-log/testing/keys';
import { naiveRoot } from '@bailiwick/transparency-log/testing/naive-tree';
import { Audit, type RawEvent, type Report } from './audit';
import type { SignedHead } from './heads';

fc.configureGlobal({ seed: 20260401 });

const keys = [valueOf(parseVerifierKey(VKEY))];
const rootOf = (events: readonly RawEvent[]): Buffer => naiveRoot(events.map(({ body }) => entryHash(body)));
const headOf = (events: readonly RawEvent[], key = KEY): SignedHead => ({
  note: signCheckpoint({ origin: NAME, size: BigInt(events.length), root: rootOf(events) }, [makeSigner(NAME, key)]),
});

function audit(events: readonly RawEvent[], heads: readonly SignedHead[] = []): Report {
  const auditor = new Audit({ log: 'default/0', origin: NAME, keys, heads });
  for (const event of events) auditor.add(event);
  return auditor.report();
}

/** A run that reads, is denied, and ends: every kind of member that a body can have, in few bytes. */
function small(): SealedLog {
  const log = new SealedLog();
  const { grantId } = log.open();
  const { actionId } = act(log, grantId, 'file.read', { cost: { USD: 5 } });
  log.do('settle', { actionId: actionId as string, outcome: { status: 'completed', cost: { USD: 3 } } });
  return log;
}

describe('a log as it was written', () => {
  it('has nothing wrong, whatever was done to it', () => {
    fc.assert(
      fc.property(moves(120), (all) => {
        const log = new SealedLog();
        for (const move of all) play(log, move);
        const report = audit(log.stored(), [headOf(log.stored().slice(0, 7)), headOf(log.stored())]);
        expect(report.findings).toEqual([]);
        expect(report).toMatchObject({ size: log.events.length, checkpoints: 2, state: stateDigest(log.state) });
        expect(report.root).toBe(rootOf(log.stored()).toString('base64'));
      }),
      { numRuns: 60 },
    );
  }, 60_000);

  it('has nothing wrong where nearly everything happens that can', () => {
    const { log } = busyRun();
    expect(audit(log.stored(), [headOf(log.stored())]).findings).toEqual([]);
  });
});

describe('against an earlier checkpoint, somebody who', () => {
  const events = small().stored();
  const held = [headOf(events)];
  const caught = (forged: readonly RawEvent[]): Report => {
    const report = audit(forged, held);
    if (report.findings.length === 0) throw new Error('nothing was found');
    return report;
  };

  it('changes any byte of any event is found out, at that event or below the checkpoint', () => {
    let flips = 0;
    for (const [position, event] of events.entries()) {
      const bytes = Buffer.from(event.body);
      for (let i = 0; i < bytes.length; i++) {
        const changed = Buffer.from(bytes);
        changed[i] = (changed[i] ?? 0) ^ (1 << (i % 8));
        const forged = events.map((each) => (each === event ? { ...event, body: changed.toString() } : each));
        expect(caught(forged).findings.some(({ check }) => check === 'checkpoint')).toBe(true);
        flips += 1;
      }
      // heads at every size name the very event
      const heads = events.map((_, i) => headOf(events.slice(0, i + 1)));
      const forged = events.map((each) => (each === event ? { ...event, body: `${event.body} ` } : each));
      expect(audit(forged, heads).findings[0]).toMatchObject({ check: 'checkpoint', position });
    }
    expect(flips).toBe(events.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0));
  }, 60_000);

  it('drops, repeats, inserts or swaps events is found out', () => {
    events.forEach((event, i) => {
      caught(events.filter((each) => each !== event));
      // to the end of a log nothing is added that the checkpoint speaks of; its position is what gives it away
      caught([...events.slice(0, i), event, ...events.slice(i)]);
      caught([
        ...events.slice(0, i),
        { ...event, position: i },
        ...events.slice(i).map((each) => ({ ...each, position: each.position + 1 })),
      ]);
      events.forEach((other, j) => {
        if (i < j) caught(events.map((each) => (each === event ? other : each === other ? event : each)));
      });
    });
    expect(caught(events.slice(0, -1)).findings[0]).toMatchObject({ check: 'checkpoint', position: events.length - 1 });
    expect(caught([]).findings).not.toEqual([]);
  });

  it('writes another history and signs that one is found out, with the same key or another', () => {
    const other = small();
    act(other, other.last('GrantIssued').grantId as string, 'file.write');
    const forged = other.stored().map((each, i) => (i === 2 ? { ...each, body: `${each.body} ` } : each));
    expect(audit(forged, [headOf(forged)]).findings).toEqual([]); // by itself it looks well
    expect(audit(forged, [headOf(forged), ...held]).findings).toMatchObject([{ check: 'checkpoint', position: 0 }]);
    const signer = headOf(events, seededKey(99));
    expect(audit(events, [signer]).findings).toMatchObject([{ check: 'checkpoint', position: undefined }]);
  });

  it('changes what stands beside a body is found out', () => {
    const with_ = (position: number, more: Partial<RawEvent>): RawEvent[] =>
      events.map((each, i) => (i === position ? { ...each, ...more } : each));
    expect(audit(with_(1, { type: 'RunCompleted' }), held).findings).toMatchObject([{ check: 'body', position: 1 }]);
    expect(audit(with_(1, { time: '2026-01-02T00:00:00Z' }), held).findings).toMatchObject([{ check: 'body' }]);
    expect(audit(with_(1, { position: 9 }), held).findings).toMatchObject([{ check: 'position', position: 1 }]);
    expect(audit(with_(1, { log: 'default/1' }), held).findings).toMatchObject([{ check: 'position' }]);
    expect(audit(with_(0, { payload: '{}' }), held).findings).toMatchObject([{ check: 'payload', position: 0 }]);
    expect(audit(with_(0, { payload: null }), held).findings).toMatchObject([
      { check: 'payload', position: 0, detail: 'its payload is missing, and no recorded erasure reaches it' },
    ]);
  });
});
