import fc from 'fast-check';
import { act } from '@bailiwick/authority/testing/harness';
import { stateDigest } from '@bailiwick/authority/state/digest';
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

/** Builds a small log whose bodies contain every kind of member. */
function small(): SealedLog {
  const log = new SealedLog();
  const { grantId } = log.open();
  const { actionId } = act(log, grantId, 'file.read', { cost: { USD: 5 } });
  log.do('settle', { actionId: actionId as string, outcome: { status: 'completed', cost: { USD: 3 } } });
  return log;
}

describe('the audit of an unchanged log', () => {
  it('has no findings after random commands', () => {
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

  it('has no findings for a run to which nearly everything happens', () => {
    const { log } = busyRun();
    expect(audit(log.stored(), [headOf(log.stored())]).findings).toEqual([]);
  });
});

describe('an audit with an earlier checkpoint', () => {
  const events = small().stored();
  const held = [headOf(events)];
  const caught = (forged: readonly RawEvent[]): Report => {
    const report = audit(forged, held);
    if (report.findings.length === 0) throw new Error('nothing was found');
    return report;
  };

  it('finds a change of any byte of any event, at that event or below the checkpoint', () => {
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
      // with heads at every size the finding names the exact event
      const heads = events.map((_, i) => headOf(events.slice(0, i + 1)));
      const forged = events.map((each) => (each === event ? { ...event, body: `${event.body} ` } : each));
      expect(audit(forged, heads).findings[0]).toMatchObject({ check: 'checkpoint', position });
    }
    expect(flips).toBe(events.reduce((sum, { body }) => sum + Buffer.byteLength(body), 0));
  }, 60_000);

  it('finds dropped, repeated, inserted or swapped events', () => {
    events.forEach((event, i) => {
      caught(events.filter((each) => each !== event));
      // an event repeated at the end is beyond the checkpoint, but has a wrong position
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

  it('finds another signed history, with the same key or another', () => {
    const other = small();
    act(other, other.last('GrantIssued').grantId as string, 'file.write');
    const forged = other.stored().map((each, i) => (i === 2 ? { ...each, body: `${each.body} ` } : each));
    expect(audit(forged, [headOf(forged)]).findings).toEqual([]); // consistent without the earlier checkpoint
    expect(audit(forged, [headOf(forged), ...held]).findings).toMatchObject([{ check: 'checkpoint', position: 0 }]);
    const signer = headOf(events, seededKey(99));
    expect(audit(events, [signer]).findings).toMatchObject([{ check: 'checkpoint', position: undefined }]);
  });

  it('finds changed columns and payloads', () => {
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
