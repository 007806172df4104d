import fc from 'fast-check';
import { Audit } from '@bailiwick/audit/audit';
import type { Command } from '@bailiwick/contracts/commands/command';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import { isOutcome } from './ledger';
import { moves, type Move } from './moves';
import { chain, dead, opened, Tally } from './naive';
import { Play } from './play';

/**
 * Fails if a call may be used twice, by another service, after its outcome or under a dead lease; if a brokered action is
 * charged to the caller; if naming a call permits what is denied without it; if the auditor believes a forged call.
 */
fc.configureGlobal({ seed: 20261201 });

const OPEN = ['open', 'open', 'serve', 'serve', 'serve', 'serve', 'act', 'act', 'act', 'settle'] as const;
/** Two of three actions call an agent. */
const story = moves(70, [...OPEN, ...OPEN, 'delegate', 'suspend', 'revoke', 'wait', 'escalate']).map((all) =>
  all.map((move, i): Move => {
    if (move.do === 'open') return { ...move, who: 'service', ask: undefined, grant: { ...ROOMY, ...only(move) } };
    if (move.do !== 'act' || i % 3 === 0) return move;
    const id = ['helper', 'worker', 'Helper', 'stray'][i % 4] as string;
    return { ...move, call: { ...move.call, verb: 'agent.call', resource: { type: 'agent', id } } };
  }),
);
const ROOMY = {
  actions: { allow: ['*'] },
  resources: [{ type: '*', match: '**' }],
  budget: { calls: 50, reads: 50, writes: 50, external: 50, cost: { USD: 60 }, units: { tokens: 90 } },
};
const only = ({ grant }: Extract<Move, { do: 'open' }>) => ({ time: grant.time, delegation: grant.delegation });

type Brokered = EventOf<'ActionPermitted'>;
const isBrokered = (event: Event): event is Brokered =>
  event.type === 'ActionPermitted' && event.data.calledBy !== undefined;
const isEndOf = (event: Event, actionId: string): boolean => isOutcome(event) && event.actionId === actionId;

it('acts for a call that is permitted, in flight, under a live lease of another tree, to this service, and used once', () => {
  const tally = new Tally();
  const property = fc.property(story, (all) => {
    const { events } = new Play().play(all).log;
    events.forEach((event, i) => {
      if (event.type === 'ActionDenied')
        for (const { rule, code } of event.data.reasons) if (rule === 'caller') tally.add(String(code));
      if (!isBrokered(event)) return;
      const before = events.slice(0, i);
      const { actionId, runId, treeId } = event.data.calledBy ?? { actionId: '' };
      const call = before.find((each) => each.type === 'ActionPermitted' && each.actionId === actionId) as Brokered;
      expect([call.runId, call.treeId]).toEqual([runId, treeId]);
      expect(treeId).not.toBe(event.treeId);
      expect(call.data.resource).toMatchObject({ type: 'agent', id: opened(before, event.runId)?.data.agent.class });
      expect(before.some((each) => isEndOf(each, actionId))).toBe(false);
      expect(dead(before, call.grantId as string, Date.parse(event.time))).toBeUndefined();
      expect(before.some((each) => isBrokered(each) && each.data.calledBy?.actionId === actionId)).toBe(false);
      const named = events.filter((each) => each.type === 'ActionCalled' && each.actionId === actionId);
      expect(named).toMatchObject([
        {
          commandId: event.commandId,
          runId,
          treeId,
          data: { called: { actionId: event.actionId, runId: event.runId } },
        },
      ]);
      tally.add(chain(before, call.grantId as string).length > 1 ? 'for a child' : 'for a root');
    });
  });
  fc.assert(property, { numRuns: 80 });
  tally.atLeast(10, 'for a root', 'CALL_NOT_IN_FLIGHT', 'CALL_TO_ANOTHER', 'CALL_ALREADY_USED', 'CALLER_NOT_LIVE');
  tally.atLeast(3, 'for a child');
}, 60_000);

describe('I1, I3: neither side inherits authority from the other, so a brokered action', () => {
  it('is permitted only if the lease of the service permits it without the call', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const play = new Play();
      for (const move of all) {
        const before = move.do === 'serve' ? play.copy() : undefined;
        const from = play.log.events.length;
        play.play([move]);
        if (!before) continue;
        const [command, permit] = [play.sent.at(-1), play.log.events.slice(from).find(isBrokered)];
        if (command?.type !== 'authorize') continue;
        const { onBehalfOf: _, ...plain } = command;
        const alone = before.decided(plain as Command).find((type) => type.startsWith('Action'));
        if (permit) expect(alone).toBe('ActionPermitted');
        tally.add(permit ? 'permitted' : `${alone ?? 'refused'} alone, denied for a call`);
      }
    });
    fc.assert(property, { numRuns: 60 });
    tally.atLeast(10, 'permitted', 'ActionPermitted alone, denied for a call', 'ActionDenied alone, denied for a call');
  }, 60_000);

  it('is charged to the leases of the service and to no lease of the caller', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const play = new Play();
      const accounts = () => new Map([...play.log.state.grants].map(([id, { usage }]) => [id, JSON.stringify(usage)]));
      for (const move of all) {
        const [before, from] = [move.do === 'serve' ? accounts() : undefined, play.log.events.length];
        play.play([move]);
        const events = play.log.events.slice(from);
        const permit = events.find(isBrokered);
        if (!before || !permit || events.some(isOutcome)) continue;
        const after = accounts();
        const own = chain(play.log.events, permit.grantId as string).map(({ grantId }) => grantId);
        const changed = [...before.keys()].filter((id) => before.get(id) !== after.get(id));
        expect(own).toEqual(expect.arrayContaining(changed));
        expect(changed).toContain(permit.grantId);
        tally.add('charged');
      }
    });
    fc.assert(property, { numRuns: 60 });
    tally.atLeast(20, 'charged');
  }, 60_000);
});

describe('the auditor of brokered calls', () => {
  const audit = (events: readonly Event[]): string[] => {
    const auditor = new Audit({ log: 'default/0', keys: [], heads: [] });
    for (const event of events) {
      const { log, position, type, time } = event;
      auditor.add({ log, position, type, time, body: JSON.stringify(event) });
    }
    return auditor.report().findings.map(({ check, detail }) => `${check}: ${detail}`);
  };

  it('reports nothing for a log written under the rules', () => {
    const tally = new Tally();
    const property = fc.property(story, (all) => {
      const { events } = new Play().play(all).log;
      expect(audit(events)).toEqual([]);
      for (const event of events) tally.add(event.type);
    });
    fc.assert(property, { numRuns: 60 });
    tally.atLeast(20, 'ActionCalled');
  }, 60_000);

  /** Each changes the events around the last brokered permit; undefined if the story does not allow it. */
  const FORGERIES: Record<string, (events: readonly Event[], permit: Brokered) => Event[] | undefined> = {
    'the caller does not name': (events, permit) =>
      events.filter((each) => !(each.type === 'ActionCalled' && each.commandId === permit.commandId)),
    'does not name its call': (events, permit) =>
      events.map((each) => (each === permit ? { ...permit, data: { ...permit.data, calledBy: undefined } } : each)),
    'names a call that has an outcome': (events, permit) =>
      naming(events, permit, (id, i) => endsBefore(events, id, i)),
    'names a call that it has used': (events, permit) =>
      naming(events, permit, (id, i) =>
        events.slice(0, i).some((each) => isBrokered(each) && each.data.calledBy?.actionId === id),
      ),
    'names a call to another agent': (events, permit) =>
      naming(events, permit, (id, i) => {
        const call = events
          .slice(0, i)
          .find((each) => each.type === 'ActionPermitted' && each.actionId === id) as Brokered;
        return !endsBefore(events, id, i) && call.data.resource.id !== opened(events, permit.runId)?.data.agent.class;
      }),
    'brings fewer labels to its caller than it has': (events, permit) =>
      permit.data.labels.length === 0
        ? undefined
        : events.map((each) =>
            each.type === 'ActionCalled' && each.commandId === permit.commandId
              ? { ...each, data: { ...each.data, labels: [] } }
              : each,
          ),
  };
  const endsBefore = (events: readonly Event[], id: string, i: number): boolean =>
    events.slice(0, i).some((each) => isEndOf(each, id));

  /** Makes a permit and its caller's event name another call, of another tree, that meets a condition. */
  function naming(events: readonly Event[], permit: Brokered, meets: (id: string, i: number) => boolean) {
    const i = events.indexOf(permit);
    const other = events
      .slice(0, i)
      .find(
        (each) =>
          each.type === 'ActionPermitted' &&
          each.treeId !== permit.treeId &&
          each.actionId !== permit.data.calledBy?.actionId &&
          meets(each.actionId as string, i),
      );
    if (!other) return undefined;
    const [actionId, runId, treeId] = [other.actionId, other.runId, other.treeId] as [string, string, string];
    return events.map((each): Event => {
      if (each === permit) return { ...permit, data: { ...permit.data, calledBy: { actionId, runId, treeId } } };
      return each.type === 'ActionCalled' && each.commandId === permit.commandId
        ? { ...each, actionId, runId, treeId, grantId: other.grantId as string }
        : each;
    });
  }

  it.each(Object.keys(FORGERIES))(
    'finds a permit that %s',
    (name) => {
      const tally = new Tally();
      const property = fc.property(story, (all) => {
        const { events } = new Play().play(all).log;
        const permit = events.findLast(isBrokered);
        const forged = permit && FORGERIES[name]?.(events, permit);
        if (!forged) return;
        const placed = forged.map((event, position) => ({ ...event, position }));
        expect(audit(placed).filter((each) => each.startsWith('custody: '))).not.toEqual([]);
        tally.add('forged');
      });
      fc.assert(property, { numRuns: 80 });
      tally.atLeast(3, 'forged');
    },
    60_000,
  );
});
