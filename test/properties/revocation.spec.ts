import fc from 'fast-check';
import { decide } from '@bailiwick/authority/commands/decide';
import { Deadlines } from '@bailiwick/authority/state/deadlines';
import { Ended } from '@bailiwick/authority/state/retention';
import { evolve } from '@bailiwick/authority/events/evolve';
import { fromSnapshot, toSnapshot } from '@bailiwick/authority/state/snapshot';
import { seal } from '@bailiwick/authority/commands/seal';
import type { LogState } from '@bailiwick/authority/state/state';
import type { Fields } from '@bailiwick/authority/testing/harness';
import type { Event } from '@bailiwick/contracts/events/event';
import { deriveId } from '@bailiwick/core/derive-id';
import { sent } from './asked-for';
import { at, moves, PERSON, selector, type Selector } from './moves';
import { chain, opened, quarantines, selects, strikes, Tally } from './naive';
import { Play } from './play';

/**
 * Fails if a rule strikes a newer grant, or ignores `issuedBefore` or part of its selector; if an approval bypasses a
 * quarantine; if the revocation walks the grants.
 */
fc.configureGlobal({ seed: 20260106 });

const growing = fc.oneof(
  moves(40),
  moves(40, ['open', 'delegate', 'delegate', 'act', 'act', 'escalate', 'strike', 'lift', 'wait']),
);
const READ = { verb: 'file.read', resource: { type: 'file', id: 'a/b' } };

function revocation(play: Play, { tree, before, ...same }: Selector, quarantine: boolean): Fields<'revokeSelector'> {
  const treeId = tree && play.id('tree', { ...tree, which: 'any' });
  const known = sent({ ...same, treeId, issuedBefore: at(play.log.now, before) });
  return {
    revocationId: deriveId('revocation', 0, 'the one'),
    selector: known,
    quarantine,
    force: true,
    actor: PERSON,
  };
}

describe('I6: a revocation by selector appends one event per log, however many grants it matches', () => {
  it('and from then on every matched grant is denied, and no other', () => {
    const tally = new Tally();
    const property = fc.property(growing, selector, fc.boolean(), (all, selected, quarantine) => {
      const play = new Play().play(all);
      const { log } = play;
      const ids = play.ids('grant');
      const before = ids.map((id) => play.peek(id, READ));
      expect(log.do('revokeSelector', revocation(play, selected, quarantine)).map((event) => event.type)).toEqual([
        'RevocationRuleAdded',
      ]);
      const rule = log.events.length - 1;
      ids.forEach((id, i) => {
        const struck = chain(log.events, id).some((grant) =>
          strikes(log.events, grant).some((each) => each.position === rule),
        );
        const after = play.peek(id, READ);
        // a grant that ended long ago is forgotten
        if (after === undefined && (before[i] ?? 'ActionDenied') === 'ActionDenied') return;
        expect(after).toBe(struck ? 'ActionDenied' : before[i]);
        if (before[i] !== 'ActionDenied') tally.add(struck ? 'struck' : 'spared');
      });
    });
    fc.assert(property, { numRuns: 300 });
    tally.atLeast(100, 'struck', 'spared');
  });

  it.each(['revokeSelector', 'revokeGrant'] as const)(
    '%s reads no grant except the one it names, no run and no action',
    (type) => {
      const property = fc.property(growing, selector, fc.nat(30), (all, selected, n) => {
        const play = new Play().play(all);
        const { log } = play;
        const grantId = play.id('grant', { which: 'any', n });
        const command =
          type === 'revokeGrant'
            ? log.command(type, { grantId, actor: PERSON })
            : log.command(type, revocation(play, selected, true));
        const mine = type === 'revokeGrant' ? chain(log.events, grantId).slice(0, 1) : [];
        const { state, looked } = watched(fromSnapshot(toSnapshot(log.state)));
        const decided = decide(state, command, log.now, log.rules);
        if (!decided.ok) return;
        for (const event of decided.value) evolve(state, seal(state, command, log.now, event).event);
        const seen = [...looked].filter((id) => !raised(log.events, grantId).includes(id) && id !== mine[0]?.runId);
        expect(seen).toEqual([]);
        expect(decided.value).toHaveLength(1);
      });
      fc.assert(property, { numRuns: 80 });
    },
  );

  /** Returns the named grant and its raises. */
  function raised(events: readonly Event[], id: string): string[] {
    const by = events.find((event) => event.type === 'GrantSuperseded' && event.grantId === id);
    return [id, ...(by?.type === 'GrantSuperseded' ? raised(events, by.data.by) : [])];
  }

  /** Records the ids read from the state's maps; iterating over a map throws. */
  function watched(state: LogState): { state: LogState; looked: Set<string> } {
    const looked = new Set<string>();
    const watch = <T>(map: Map<string, T>): void => {
      const get = map.get.bind(map);
      const all = () => {
        throw new Error('the whole tree was walked');
      };
      Object.assign(map, {
        get: (id: string) => (looked.add(id), get(id)),
        forEach: all,
        values: all,
        keys: all,
        entries: all,
        [Symbol.iterator]: all,
      });
    };
    for (const map of [state.grants, state.runs, state.actions, state.approvals]) watch(map as Map<string, unknown>);
    const order = new Proxy(state.order, {
      get: (_all, key) => {
        if (key === 'length') return 0; // read to check whether there is much to forget
        throw new Error('all grants were walked');
      },
    });
    // (every event checks what is next to end or to be forgotten; that is not part of the revocation)
    return { state: { ...state, order, deadlines: new Deadlines(), ended: new Ended() }, looked };
  }

  it('revokes grants older than the rule, or than the time it names, and no newer ones', () => {
    const property = fc.property(fc.integer({ min: -3, max: 3 }), fc.nat(3), (hours, later) => {
      const play = new Play();
      const { log } = play;
      const open = () =>
        log
          .do('openRun', {
            agent: { class: 'worker' },
            principalRef: `ref_${'0'.repeat(26)}`,
            purposeRef: `ref_${'0'.repeat(26)}`,
            grant: { time: { ttl: '3d' }, actions: { allow: ['*'] }, resources: [{ type: '*', match: '**' }] },
          })
          .find((event) => event.type === 'GrantIssued')?.grantId as string;
      const old = open();
      const [issued, hour] = [log.now, 3_600_000];
      log.now += 2 * hour;
      const before = issued + hours * hour;
      log.do('revokeSelector', {
        ...revocation(play, { agentClass: 'worker' }, false),
        selector: { agentClass: 'worker', issuedBefore: new Date(before).toISOString() },
      });
      const fresh = open();
      log.now += later * hour;
      expect(play.peek(old, READ)).toBe(issued < before ? 'ActionDenied' : 'ActionPermitted');
      expect(play.peek(fresh, READ)).toBe('ActionPermitted');
    });
    fc.assert(property, { numRuns: 40 });
  });
});

describe('I6: with quarantine, new grants that match are refused until it is lifted', () => {
  it('whether by opening, by delegating, by a person’s approval or by raising', () => {
    const tally = new Tally();
    const quarantining = moves(50, [
      'open',
      'open',
      'delegate',
      'delegate',
      'delegate',
      'answer',
      'answer',
      'escalate',
      'escalate',
      'strike',
      'strike',
      'lift',
      'act',
    ]);
    const property = fc.property(quarantining, (all) => {
      const { events } = new Play().play(all).log;
      events.forEach((event, i) => {
        const soFar = events.slice(0, i + 1);
        if (event.type === 'Refused' && event.data.code === 'QUARANTINED') tally.add(`refused ${event.data.command}`);
        if (event.type !== 'GrantIssued') return;
        const run = opened(soFar, event.runId);
        const subject = {
          ...(run as NonNullable<typeof run>).data,
          treeId: event.treeId as string,
          limits: event.data.limits,
        };
        for (const rule of quarantines(soFar)) {
          const { issuedBefore: _, ...parts } = rule.data.selector;
          if (rule.data.target === 'tool') continue; // it denies a tool and refuses no lease
          if (rule.position < event.position) expect(selects(parts, subject)).toBe(false);
        }
        tally.add('issued');
      });
    });
    fc.assert(property, { numRuns: 250 });
    tally.atLeast(10, 'issued', 'refused openRun', 'refused delegate', 'refused decideApproval');
  });
});
