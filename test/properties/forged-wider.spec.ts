import fc from 'fast-check';
import { CorruptLog } from '@bailiwick/authority/events/follows';
import { decide } from '@bailiwick/authority/commands/decide';
import { delegateTestRun, openTestRun, REF, ROOMY, TestLog } from '@bailiwick/authority/testing/harness';
import type { Command } from '@bailiwick/contracts/commands/command';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { GrantRequest, Limits } from '@bailiwick/contracts/grants/grant';
import { rfc3339 } from '@bailiwick/core/clock';
import { deriveId } from '@bailiwick/core/derive-id';
import { anyAction, anyLimits, NOW, roomyLimits } from './generated-limits';
import { call } from './asked-for';
import { moves } from './moves';
import { dead, Tally } from './naive';
import { asked, Play } from './play';

/**
 * Fails if ancestors are not judged; if a child needs no proof of its key; if delegation checks only the parent.
 */
fc.configureGlobal({ seed: 20260112 });

const limits = fc.oneof(anyLimits, roomyLimits, roomyLimits);
/** Breaks limits in ways that no constructor allows: an attacker may write anything. */
const broken: fc.Arbitrary<(limits: Limits) => Limits> = fc.constantFrom<((limits: Limits) => Limits)[]>(
  (each) => each,
  (each) => ({ ...each, budget: { ...each.budget, calls: NaN, reads: Infinity } }),
  (each) => ({ ...each, budget: { ...each.budget, cost: { USD: Number.MAX_VALUE, EUR: NaN } } }),
  (each) => ({ ...each, actions: { ...each.actions, allow: ['**'], mode: 'whatever' as 'execute' } }),
  (each) => ({ ...each, risk: { ceiling: 'none' as 'low', approvalFrom: 'none' as 'low' } }),
  (each) => ({ ...each, delegation: { depth: Infinity, children: Infinity, classes: ['*'] } }),
  (each) => ({ ...each, purpose: { ...each.purpose, onDrift: { stepUpAt: NaN, suspendAt: Infinity } } }),
  (each) => ({ ...each, session: {}, posture: {} }),
  (each) => ({ ...each, permissions: undefined, deny: undefined }),
  (each) => ({ ...each, permissions: [{ actions: ['**'], resources: [{ type: '*', match: '**' }] }], deny: [] }),
  (each) => ({ ...each, permissions: null as unknown as undefined }),
  (each) => ({ ...each, time: { notBefore: '0001-01-01T00:00:00Z', expiresAt: '9999-12-31T23:59:59Z' } }),
);

/** Builds a log whose root has the parent's limits, with a forged child that has the child's limits. */
function forged(parent: Limits, child: Limits): { log: TestLog; ids: [root: string, child: string] } {
  const log = new TestLog();
  log.now = NOW;
  const write = (event: Partial<Event>) => {
    const { next: position } = log.state;
    const place = {
      log: 'default/0',
      tenant: 'default',
      position,
      id: `evt_${position}`,
      time: rfc3339(NOW),
      commandId: `cmd_by_hand_${position}`,
    };
    log.append({ ...place, actor: { kind: 'system', id: 'x' }, ...event } as Event);
  };
  const id = (kind: 'run' | 'grant' | 'tree', n = 0) => deriveId(kind, 0, `${n}`);
  const agent = { class: 'm', posture: { model: 'm', modelVersion: 'm', environment: 'm', imageDigest: 'm' } };
  const opened = { agent, principalRef: REF, purposeRef: REF, startedAt: rfc3339(NOW) };
  const treeId = id('tree');
  write({ type: 'RunOpened', treeId, runId: id('run', 0), data: opened });
  write({
    type: 'GrantIssued',
    treeId,
    runId: id('run', 0),
    grantId: id('grant', 0),
    data: { depth: 0, limits: parent },
  });
  write({ type: 'RunOpened', treeId, runId: id('run', 1), data: { ...opened, parentRunId: id('run', 0) } });
  write({
    type: 'GrantIssued',
    treeId,
    runId: id('run', 1),
    grantId: id('grant', 1),
    data: { depth: 1, parentId: id('grant', 0), limits: child },
  });
  return { log, ids: [id('grant', 0), id('grant', 1)] };
}

const outcome = (log: TestLog, command: Command): string | undefined => {
  const decided = decide(log.state, command, log.now, log.rules);
  return decided.ok ? decided.value.find((event) => event.type.startsWith('Action'))?.type : decided.error.code;
};

describe('I11: a forged grant never widens what its parent allows', () => {
  it('for any action: a call permitted under the child is permitted under its parent', () => {
    const tally = new Tally();
    const property = fc.property(
      limits,
      limits,
      broken,
      fc.array(anyAction, { minLength: 1, maxLength: 6 }),
      (parent, wide, breaking, actions) => {
        const { log, ids } = forged(parent, breaking(wide));
        for (const { verb, effect, risk, resource, cost, currentPosture, proof } of actions) {
          const fields = { action: { verb, effect, risk }, resource, cost, posture: currentPosture };
          const [above, below] = ids.map((grantId, i) => {
            // each proves its own key: a caller that proved the child's would have proved the parent's in the parent's place
            const own = [parent, wide][i]?.session.jkt;
            const proved = proof.vouched
              ? proof
              : { vouched: false as const, jkt: proof.jkt && (i === 0 ? parent.session.jkt : (own ?? proof.jkt)) };
            return outcome(log, log.command('authorize', { ...fields, grantId, proof: proved }));
          });
          if (below === 'ActionPermitted') expect(above).toBe('ActionPermitted');
          if (below === 'ActionStepUp') expect(above).not.toBe('ActionDenied');
          tally.add(`${above} above, ${below} below`);
        }
      },
    );
    fc.assert(property, { numRuns: 800 });
    tally.atLeast(
      20,
      'ActionPermitted above, ActionPermitted below',
      'ActionDenied above, ActionDenied below',
      'ActionPermitted above, ActionDenied below',
    );
  });

  it('for its session: under a lease bound to a key, nothing is permitted without proof of a key', () => {
    const property = fc.property(
      roomyLimits,
      fc.option(fc.constant('B'.repeat(43)), { nil: undefined }),
      (parent, jkt) => {
        const { log, ids } = forged({ ...parent, session: { jkt: 'A'.repeat(43) } }, { ...parent, session: {} });
        const fields = {
          action: { verb: 'a' },
          resource: { type: 'file', id: 'a' },
          grantId: ids[1],
          proof: { vouched: false as const, jkt },
        };
        expect(outcome(log, log.command('authorize', fields))).toBe('ActionDenied');
      },
    );
    fc.assert(property, { numRuns: 30 });
  });

  it('for delegation: it delegates no more levels and to no other classes than its parent may', () => {
    const tally = new Tally();
    const request: GrantRequest = { delegation: { depth: 0, children: 0, classes: [] } };
    const property = fc.property(
      roomyLimits.map((each) => ({ ...each, permissions: undefined, deny: undefined })),
      anyLimits,
      anyLimits,
      fc.constantFrom('m', 'n', 'o'),
      (parent, one, two, agentClass) => {
        // a child that a person must approve is issued by no delegation
        const [{ ask: _, ...upper }, { ask: __, ...lower }] = [one.delegation, two.delegation];
        const { log, ids } = forged(
          { ...parent, delegation: upper },
          { ...parent, delegation: { ...lower, children: 3 } },
        );
        const command = log.command('delegate', {
          grantId: ids[1],
          agent: { class: agentClass },
          purposeRef: REF,
          grant: request,
        });
        const decided = decide(log.state, command, log.now, log.rules);
        const issued = decided.ok && decided.value.some((event) => event.type === 'GrantIssued');
        const mayPass = (each: Limits, levels: number) =>
          each.delegation.depth >= levels &&
          (each.delegation.classes.includes('*') || each.delegation.classes.includes(agentClass));
        if (issued) expect([mayPass(one, 2), mayPass(two, 1)]).toEqual([true, true]);
        tally.add(issued ? 'issued' : 'refused');
      },
    );
    fc.assert(property, { numRuns: 1_800 });
    tally.atLeast(20, 'issued', 'refused');
  });
});

describe('I11: a forged event that folds widens nothing', () => {
  /** Returns the calls that would be permitted: every grant with some calls. */
  const permitted = (play: Play, calls: Parameters<Play['peek']>[1][]): string[] =>
    play
      .ids('grant')
      .flatMap((id) =>
        calls
          .filter((each) => play.peek(id, each) === 'ActionPermitted')
          .map((each) => `${id} ${JSON.stringify(each)}`),
      );

  it('a permit under a dead grant, or beyond its budget, opens nothing', () => {
    const tally = new Tally();
    const property = fc.property(
      moves(40),
      fc.array(call, { minLength: 1, maxLength: 3 }),
      fc.nat(30),
      (all, calls, n) => {
        const play = new Play().play(all);
        const { log } = play;
        const permits = play.of('ActionPermitted');
        const grants = play
          .of('GrantIssued')
          .filter((grant) => log.state.grants.get(grant.grantId as string)?.supersededBy === undefined);
        fc.pre(permits.length > 0);
        const { grantId, runId, treeId } = grants[n % grants.length] as EventOf<'GrantIssued'>;
        const before = permitted(play, calls);
        const permit = permits[n % permits.length] as EventOf<'ActionPermitted'>;
        const forged = {
          ...permit,
          position: log.state.next,
          time: rfc3339(log.now),
          actionId: deriveId('action', 0, 'forged'),
          grantId,
          runId,
          treeId,
        };
        const data = {
          ...permit.data,
          approvalId: undefined,
          ends: undefined,
          labels: [],
          expiresAt: rfc3339(log.now + 1_000),
        };
        try {
          log.append({ ...forged, data });
        } catch (error) {
          // a calendar window of the lease has no period in the permit
          expect(error).toBeInstanceOf(CorruptLog);
          return;
        }
        const between = permitted(play, calls);
        expect(before).toEqual(expect.arrayContaining(between));
        const wasDead = dead(log.events, grantId as string, log.now) !== undefined;
        log.do('settle', { actionId: forged.actionId, outcome: { status: 'failed', cost: {} } });
        // releases the amount that it reserved, and no more
        expect(before).toEqual(expect.arrayContaining(permitted(play, calls)));
        if (wasDead) expect(dead(log.events, grantId as string, log.now)).toBeDefined();
        tally.add(wasDead ? 'under a dead grant' : 'under a live one');
      },
    );
    fc.assert(property, { numRuns: 150 });
    tally.atLeast(20, 'under a dead grant', 'under a live one');
  });

  it('a broken or too long chain permits nothing', () => {
    const log = new TestLog();
    const root = openTestRun(log, { ...ROOMY, delegation: { depth: 64, children: 3, classes: ['*'] } });
    const child = delegateTestRun(log, root.grantId);
    log.state.grants.delete(root.grantId);
    const command = log.command('authorize', {
      ...asked(child.grantId, { verb: 'file.read', resource: { type: 'file', id: 'a/b' } }),
    });
    expect(outcome(log, command)).toBe('NOT_FOUND');
  });
});
