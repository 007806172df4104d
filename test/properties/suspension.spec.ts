import fc from 'fast-check';
import { rfc3339 } from '@bailiwick/core/clock';
import { deriveId } from '@bailiwick/core/derive-id';
import { fromSnapshot, toSnapshot } from '@bailiwick/authority/state/snapshot';
import { stateDigest } from '@bailiwick/authority/state/digest';
import { sent } from './asked-for';
import { at, moves, PERSON, selector, type Selector } from './moves';
import { chain, strikes, Tally } from './naive';
import { Play } from './play';

/**
 * Fails if a suspension misses a lease that a revocation of the same selector would end, or holds another; if a decision
 * after it is permitted from a cached result; if lifting it, or its time, leaves a lease suspended or revives one.
 */
fc.configureGlobal({ seed: 20260124 });

const READ = { verb: 'file.read', resource: { type: 'file', id: 'a/b' } };
const revocationId = deriveId('revocation', 0, 'the one');
const growing = fc.oneof(
  moves(20),
  moves(20, ['open', 'delegate', 'delegate', 'act', 'escalate', 'answer', 'strike', 'suspend', 'narrow']),
);
const opening = moves(15, ['open', 'open', 'delegate', 'act']);
const others = moves(15, [
  'act',
  'act',
  'act',
  'act',
  'open',
  'delegate',
  'answer',
  'escalate',
  'resume',
  'suspend',
  'revoke',
]);

function suspend(play: Play, { tree, before, ...same }: Selector, until?: number): number {
  const { log } = play;
  const treeId = tree && play.id('tree', { ...tree, which: 'any' });
  const known = sent({ ...same, treeId, issuedBefore: at(log.now, before) });
  log.do('revokeSelector', {
    revocationId,
    selector: known,
    ...(same.tool === undefined ? {} : { target: 'leases' as const }),
    mode: 'suspend',
    ...(until === undefined ? {} : { until: rfc3339(until) }),
    force: true,
    actor: PERSON,
  });
  return log.events.length - 1;
}

describe('I2: a suspension by selector holds exactly what a revocation by it would end', () => {
  it('and lifting it, or its time, leaves every lease as it was before', () => {
    const tally = new Tally();
    const property = fc.property(growing, selector, fc.boolean(), (all, selected, byTime) => {
      const play = new Play().play(all);
      const { log } = play;
      const ids = play.ids('grant');
      const peeked = () => ids.map((id) => play.peek(id, READ));
      const before = peeked();
      const rule = suspend(play, selected, byTime ? log.now + 1 : undefined);
      const held = ids.map((id) =>
        chain(log.events, id).some((grant) => strikes(log.events, grant).some(({ position }) => position === rule)),
      );
      const during = peeked();
      expect(log.events).toHaveLength(rule + 1);
      ids.forEach((_, i) => {
        if (before[i] === undefined || before[i] === 'ActionDenied') return;
        expect(during[i]).toBe(held[i] ? 'ActionDenied' : before[i]);
        tally.add(held[i] ? 'held' : 'spared');
      });
      const restored = fromSnapshot(toSnapshot(log.state));
      expect(stateDigest(restored)).toBe(stateDigest(log.state));
      if (byTime) log.now += 1;
      else
        expect(log.do('liftSuspension', { revocationId, actor: PERSON }).map(({ type }) => type)).toEqual([
          'SuspensionLifted',
        ]);
      if (!byTime) expect(peeked()).toEqual(before);
      else
        peeked().forEach((after, i) => {
          if (after !== before[i]) expect(during[i]).toBe(before[i]); // a millisecond later, not by the suspension
        });
    });
    fc.assert(property, { numRuns: 30 });
    tally.atLeast(15, 'held', 'spared');
  });

  it('and nothing that it holds is permitted until it is lifted, whatever is asked or resumed before', () => {
    const tally = new Tally();
    const property = fc.property(opening, selector, others, (all, selected, during) => {
      const play = new Play().play(all);
      const { log } = play;
      const rule = suspend(play, selected);
      play.play(during);
      const until = log.events.length;
      const isHeld = (id: string | undefined): boolean =>
        id !== undefined &&
        chain(log.events.slice(0, until), id).some((grant) =>
          strikes(log.events.slice(0, until), grant).some(({ position }) => position === rule),
        );
      for (const event of log.events.slice(rule + 1, until)) {
        if (event.type === 'ActionPermitted') {
          expect(isHeld(event.grantId)).toBe(false);
          tally.add('permitted elsewhere');
        }
        if (event.type === 'ActionDenied' && isHeld(event.grantId)) tally.add('denied');
      }
      log.do('liftSuspension', { revocationId, actor: PERSON });
      for (const id of play.ids('grant').slice(-4))
        if (isHeld(id) && play.peek(id, READ) === 'ActionPermitted') tally.add('permitted after');
    });
    fc.assert(property, { numRuns: 50 });
    tally.atLeast(3, 'permitted elsewhere', 'denied', 'permitted after');
  });
});
