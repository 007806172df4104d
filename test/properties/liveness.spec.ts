import fc from 'fast-check';
import { act, delegateTestRun, only, openTestRun, REF, ROOMY, TestLog } from '@bailiwick/authority/testing/harness';
import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { deriveId } from '@bailiwick/core/derive-id';
import { moves } from './moves';
import { chain, dead, deadItself, deniedTool, Tally } from './naive';
import { Play } from './play';

/**
 * Fails without the walk up to the ancestors; expiry; suspension; the rules; the parent’s liveness when delegating; the
 * liveness of a grant that is raised; the end of a completed run’s grant; the check of a revoked tool’s name.
 */
fc.configureGlobal({ seed: 20260102 });

/** Some of the stories only change liveness: raising, suspending, ending. */
const story = fc.oneof(
  { weight: 3, arbitrary: moves() },
  {
    weight: 1,
    arbitrary: moves(40, ['escalate', 'answer', 'suspend', 'resume', 'revoke', 'strike', 'delegate', 'act', 'open']),
  },
);

/** Checks an event about a grant against the events before it. */
type Check = (before: readonly Event[], event: Event, now: number) => void;

function everyEvent(check: Check) {
  return fc.property(story, (all) => {
    const play = new Play().play(all);
    play.log.events.forEach((event, i) => check(play.log.events.slice(0, i), event, Date.parse(event.time)));
  });
}

describe('I2: no action is permitted under a grant that is, or whose any ancestor is, revoked, suspended, expired, exhausted or completed', () => {
  it('every permit is issued under a live chain, judged by the events before it', () => {
    const tally = new Tally();
    const check: Check = (before, event, now) => {
      if (event.type !== 'ActionPermitted') return;
      expect(dead(before, event.grantId as string, now)).toBeUndefined();
      tally.add(`permit at depth ${chain(before, event.grantId as string).length - 1}`);
    };
    fc.assert(everyEvent(check), { numRuns: 250 });
    tally.atLeast(50, 'permit at depth 0', 'permit at depth 1', 'permit at depth 2');
  });

  it('every grant is issued under a live parent, and raises only a live grant', () => {
    const tally = new Tally();
    const check: Check = (before, event, now) => {
      if (event.type !== 'GrantIssued') return;
      const { parentId, supersedes } = event.data;
      for (const id of [parentId, supersedes]) if (id !== undefined) expect(dead(before, id, now)).toBeUndefined();
      tally.add(supersedes ? 'raised' : parentId ? 'child' : 'root');
    };
    fc.assert(everyEvent(check), { numRuns: 250 });
    tally.atLeast(20, 'raised', 'child', 'root');
  });

  it('no call under a live chain is denied for liveness', () => {
    const tally = new Tally();
    const check: Check = (before, event, now) => {
      if (event.type !== 'ActionDenied') return;
      const codes = event.data.reasons.filter((reason) => reason.rule === 'liveness').map((reason) => reason.code);
      if (!codes.includes('GRANT_NOT_LIVE') && !codes.includes('REVOKED_BY_RULE')) return;
      const why = dead(before, event.grantId as string, now) ?? revokedTool(before, event);
      expect(why).toBeDefined();
      tally.add(why?.replace(/^\S+ /, '') ?? '');
    };
    fc.assert(everyEvent(check), { numRuns: 250 });
    const reasons = ['revoked', 'exhausted', 'completed', 'suspended', 'struck by a rule', 'over its time', 'expired'];
    tally.atLeast(10, ...reasons.map((reason) => `is ${reason}`));
  });

  it('calls and delegations under a dead grant are refused, for every grant after every move', () => {
    const tally = new Tally();
    const check = (play: Play) => {
      const { log } = play;
      for (const id of play.ids('grant')) {
        const why = dead(log.events, id, log.now);
        const seen = play.peek(id, { verb: 'file.read', resource: { type: 'file', id: 'a/b' } });
        if (why !== undefined) expect(seen).toBe('ActionDenied');
        const command = log.command('delegate', {
          grantId: id,
          agent: { class: 'helper' },
          purposeRef: `ref_${'0'.repeat(26)}`,
          grant: {},
        });
        if (why !== undefined) expect(play.decided(command)).toEqual(['Refused']);
        tally.add(why === undefined ? `alive: ${seen}` : 'dead');
      }
    };
    const property = fc.property(moves(30), (all) => {
      const play = new Play();
      play.play(all, () => check(play));
    });
    fc.assert(property, { numRuns: 100 });
    tally.atLeast(500, 'alive: ActionPermitted', 'dead');
  });

  it('a revoked tool is denied by name under every grant older than the rule, whatever the verb', () => {
    const parts = fc.constantFrom<[StoredSelector, boolean][]>(
      [{}, true],
      [{ agentClass: 'worker' }, true],
      [{ agentClass: 'stray' }, false],
      [{ principalRef: REF }, true],
      [{ agentClass: 'worker', modelVersion: '9' }, false],
    );
    const property = fc.property(
      parts,
      fc.boolean(),
      fc.constantFrom('mailer', 'x'),
      ([others, matches], below, tool) => {
        const log = new TestLog();
        const part: GrantRequest = { ...ROOMY, actions: { allow: ['file.*'] } };
        const { grantId: root } = openTestRun(log, part);
        const grantId = below ? delegateTestRun(log, root, {}, 'helper').grantId : root;
        const call = { action: { verb: 'file.read', tool } };
        log.do('revokeSelector', {
          revocationId: deriveId('revocation', 0, 'x'),
          selector: { ...others, tool: 'mailer' },
          force: true,
        });
        const denied = act(log, grantId, 'file.read', call);
        expect(denied.type).toBe(matches && tool === 'mailer' ? 'ActionDenied' : 'ActionPermitted');
        if (denied.type === 'ActionDenied') expect(revokedTool(log.events, denied)).toBeDefined();
        expect(act(log, grantId, 'file.read').type).toBe('ActionPermitted');
        expect(act(log, openTestRun(log, part).grantId, 'file.read', call).type).toBe('ActionPermitted');
      },
    );
    fc.assert(property, { numRuns: 40 });
    fc.assert(
      everyEvent((before, event) => {
        if (event.type === 'ActionPermitted') expect(revokedTool(before, event)).toBeUndefined();
      }),
      { numRuns: 100 },
    );
  });
});

function revokedTool(
  before: readonly Event[],
  { grantId, data }: EventOf<'ActionPermitted'> | EventOf<'ActionDenied'>,
): string | undefined {
  return deniedTool(before, grantId as string, data).length > 0 ? 'x has a tool that is revoked' : undefined;
}

describe('I2: the end of a grant ends all of its descendants', () => {
  const depth = fc.integer({ min: 1, max: 5 });

  it('at the instant of its expiry, without an event or a tick', () => {
    const property = fc.property(depth, fc.nat(5), (levels, which) => {
      const log = new TestLog();
      const short = which % (levels + 1);
      const ids = tower(log, levels, short);
      const ends = log.now + 30 * 60_000;
      log.now = ends - 1;
      for (const id of ids) expect(act(log, id, 'file.read').type).toBe('ActionPermitted');
      log.now = ends;
      ids.forEach((id, i) =>
        expect(act(log, id, 'file.read').type).toBe(i >= short ? 'ActionDenied' : 'ActionPermitted'),
      );
      const child = { agent: { class: 'x' }, purposeRef: `ref_${'0'.repeat(26)}`, grant: {} };
      for (const grantId of ids.slice(short))
        expect(only(log.do('delegate', { grantId, ...child }), 'Refused').data.code).toBe('GRANT_NOT_LIVE');
    });
    fc.assert(property, { numRuns: 60 });
  });

  /** Issues a chain of grants, one of which, and so its descendants, expires in half an hour. */
  function tower(log: TestLog, levels: number, short?: number): string[] {
    const time = (level: number) => (level === short ? { ttl: '30m' } : level === 0 ? { ttl: '2h' } : undefined);
    const part = (level: number) => ({
      time: time(level),
      delegation: { depth: levels + 1 - level, children: 5, classes: ['*'] },
    });
    const ids = [openTestRun(log, { ...ROOMY, ...part(0) }).grantId];
    for (let level = 1; level <= levels; level++)
      ids.push(delegateTestRun(log, ids[level - 1] as string, part(level)).grantId);
    return ids;
  }

  it('for every kind of end and every ancestor', () => {
    const ends = {
      suspend: (log: TestLog, grantId: string) => log.do('suspend', { grantId, reasonCode: 'X' }),
      revoke: (log: TestLog, grantId: string) => log.do('revokeGrant', { grantId }),
      complete: (log: TestLog, grantId: string) =>
        log.do('completeRun', { runId: log.state.grants.get(grantId)?.runId as string }),
      overrun(log: TestLog, grantId: string) {
        const { actionId } = act(log, grantId, 'file.read', { cost: { USD: 1 } });
        return log.do('settle', { actionId: actionId as string, outcome: { status: 'completed', cost: { USD: 2 } } });
      },
    };
    const property = fc.property(depth, fc.nat(5), fc.constantFrom(...Object.values(ends)), (levels, which, end) => {
      const log = new TestLog();
      const ids = tower(log, levels);
      const at = which % ids.length;
      end(log, ids[at] as string);
      ids.forEach((id, i) => expect(act(log, id, 'file.read').type).toBe(i >= at ? 'ActionDenied' : 'ActionPermitted'));
      expect(
        ids.map((id) => deadItself(log.events, chain(log.events, id)[0] as never, log.now) !== undefined).indexOf(true),
      ).toBe(at);
    });
    fc.assert(property, { numRuns: 100 });
  });
});
