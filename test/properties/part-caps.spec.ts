import fc from 'fast-check';
import type { Event } from '@bailiwick/contracts/events/event';
import type { GrantRequest, Permission } from '@bailiwick/contracts/grants/grant';
import { always, story, withVerbCaps } from './budget-stories';
import * as ledger from './ledger';
import type { Move } from './moves';
import { chain as naiveChain, Tally } from './naive';
import { Play } from './play';

/**
 * Fails if a cap of some verbs, or of a permission, counts only the calls of the run itself, or may be exceeded by one; if an
 * entry that is used up still admits, or denies what another entry with room admits.
 */
fc.configureGlobal({ seed: 20260105 });

const EVERYTHING = [{ type: '*', match: '**' }];
/** Permissions with caps that overlap. */
const CAPPED: NonNullable<GrantRequest['permissions']>[] = [
  [
    { actions: ['file.read'], resources: [{ type: '*', match: 'a/**' }], calls: 2 },
    { actions: ['**'], resources: EVERYTHING, calls: 4, cost: { USD: 15 } },
  ],
  [
    { actions: ['file.*'], resources: [{ type: 'file', match: 'a/*' }], cost: { USD: 9 } },
    { actions: ['**'], resources: [{ type: '*', match: '*' }], calls: 3 },
    { actions: ['**'], resources: EVERYTHING, mode: 'draft', calls: 3 },
    { actions: ['*.send'], resources: EVERYTHING, units: { tokens: 8 } },
  ],
];

describe('I3: caps for a part of the actions of a lease count everything that they cover', () => {
  it('permits exceed no cap of an entry of perVerb, apart from declared overruns', () => {
    const tally = new Tally();
    always((soFar, event, all) => {
      if (event.type === 'ActionDenied') {
        for (const { grantId = '', reasons = [] } of event.data.reasons.filter(({ rule }) => rule === 'grant'))
          for (const { code, path = '' } of reasons.filter((each) => each.code === 'PER_VERB_EXHAUSTED')) {
            const id = ledger.account(soFar, grantId);
            const [, actions = '', what = ''] = /\[(.*)\]\.(?:cost\.|units\.)?(\w+)$/.exec(path) ?? [];
            const cap = ledger.budgetOf(soFar, id).perVerb?.find((each) => each.actions.join(', ') === actions);
            const caps = { ...ledger.amounts(cap ?? {}), calls: cap?.calls } as Record<string, number>;
            const asked = what === 'calls' ? 1 : (ledger.amounts(event.data.charge)[what] ?? 0);
            const used = ledger.ofVerbs(ledger.of(all, id), cap?.actions ?? [], what);
            expect(used + asked).toBeGreaterThan(caps[what] as number);
            tally.add(code as string);
          }
        return;
      }
      if (event.type !== 'ActionPermitted') return;
      const newest = all[all.length - 1] as ledger.Entry;
      for (const id of newest.accounts) {
        const mine = ledger.of(all, id);
        for (const { actions, calls, ...caps } of ledger.budgetOf(soFar, id).perVerb ?? []) {
          const charged = { calls: 1, ...ledger.amounts(event.data.charge) } as Record<string, number>;
          if (ledger.ofVerbs([newest], actions, 'calls') === 0) continue;
          for (const [what, most] of Object.entries({ ...ledger.amounts(caps), calls })) {
            if (most === undefined || !charged[what]) continue;
            const used = ledger.ofVerbs(mine, actions, what);
            expect(used).toBeLessThanOrEqual(most);
            if (used === most) tally.add(`${what} to the last`);
            if (id !== newest.accounts[0]) tally.add('from below');
          }
        }
      }
    }, withVerbCaps);
    tally.atLeast(3, 'PER_VERB_EXHAUSTED', 'calls to the last', 'from below');
    tally.atLeast(1, 'USD to the last');
  });

  it('permits have an entry with room in each lease with capped permissions, apart from declared overruns', () => {
    const tally = new Tally();
    const check = (soFar: readonly Event[], event: Event): void => {
      if (event.type !== 'ActionPermitted' && event.type !== 'ActionDenied') return;
      const all = ledger.entries(soFar);
      const others = all.filter(({ permit }) => permit !== event);
      for (const { grantId } of naiveChain(soFar, event.grantId as string)) {
        const id = ledger.account(soFar, grantId as string);
        const permissions = ledger.permissionsOf(soFar, id);
        if (!permissions?.some((each) => Object.keys(ledger.capsOf(each)).length > 0)) continue;
        // an entry that a raise adds to the same one without caps has counted nothing before
        if (soFar.some((each) => each.type === 'GrantSuperseded' && ledger.account(soFar, each.data.by) === id))
          continue;
        const charged: Record<string, number> = { calls: 1, ...ledger.amounts(event.data.charge) };
        const mine = ledger.of(others, id);
        const hasRoom = (entry: Permission): boolean =>
          Object.entries(ledger.capsOf(entry)).every(
            ([what, most]) => !charged[what] || ledger.ofEntry(mine, entry, what) + charged[what] <= most,
          );
        const having = permissions.filter((entry) => ledger.hasCall(entry, event.data as never));
        const room = having.filter(hasRoom);
        if (event.type === 'ActionPermitted') {
          expect(room.length).toBeGreaterThan(0);
          tally.add('permitted');
          if (room.length < having.length) tally.add('one of two used up');
          if (grantId !== event.grantId) tally.add('from below');
          continue;
        }
        const codes = event.data.reasons
          .filter((reason) => reason.grantId === grantId)
          .flatMap(({ reasons = [] }) => reasons.map(({ code }) => code));
        if (event.data.reasons.some(({ rule }) => rule === 'grant'))
          expect(codes.includes('PERMISSION_EXHAUSTED')).toBe(having.length > 0 && room.length === 0);
        if (codes.includes('PERMISSION_EXHAUSTED')) tally.add('PERMISSION_EXHAUSTED');
      }
    };
    fc.assert(
      fc.property(story, fc.array(fc.constantFrom(...CAPPED), { minLength: 4, maxLength: 4 }), (all, lists) => {
        let opened = 0;
        const capped = all.map((move): Move => {
          const permissions = lists[opened % 8];
          if (move.do !== 'open') return move;
          opened += 1;
          return permissions ? { ...move, grant: { ...move.grant, permissions } } : move;
        });
        const { log } = new Play().play(capped);
        log.events.forEach((event, i) => check(log.events.slice(0, i + 1), event));
      }),
      { numRuns: 180 },
    );
    tally.atLeast(5, 'permitted', 'one of two used up', 'from below', 'PERMISSION_EXHAUSTED');
  });
});
