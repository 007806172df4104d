import { stateDigest } from '@bailiwick/authority/state/digest';
import type { Answer } from '@bailiwick/contracts/commands/command';
import type { Rules } from '@bailiwick/authority/commands/types';
import { LIMITS } from '@bailiwick/core/limits';
import {
  authorize,
  command,
  decision,
  digestFromZero,
  grantIdOf,
  openRun,
  REF,
  refusal,
  ROOMY,
  RULES,
  settled,
  value,
  World,
} from '../testing/world';
import type { LogOwner } from './owner';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('LogOwner', () => {
  let world: World;
  let owner: LogOwner;
  beforeEach(async () => {
    ({ world, owner } = await World.start());
  });
  afterEach(() => world.end());

  const granted = async (grant = ROOMY): Promise<string> => grantIdOf(await owner.submit(openRun(grant)));
  const types = async (from = 0) => (await world.events()).slice(from).map((event) => event.type);

  describe('responses', () => {
    it('do not leave before the append is acknowledged (I4)', async () => {
      const held = world.eventlog.hold();
      const seen: string[] = [];
      const note = (grants: number) => seen.push(`${grants} grants`);
      const answered = owner.submit(openRun()).then((answer) => seen.push(`answered ${answer.ok}`));
      const together = owner.read((state) => state.grants.size).then(note);
      await held.arrived;
      const later = owner.read((state) => state.grants.size).then(note);
      await settled();
      expect([seen, world.announced, await world.events()]).toEqual([[], [], []]);
      held.release();
      await Promise.all([answered, together, later]);
      expect(seen.sort()).toEqual(['1 grants', '1 grants', 'answered true']);
      expect(world.announced).toEqual([[0, 2]]);
    });

    it('to commands that waited for a commit follow after one further append', async () => {
      const grantId = await granted();
      const held = world.eventlog.hold();
      const first = owner.submit(authorize(grantId));
      await held.arrived;
      const rest = world.together(
        owner,
        Array.from({ length: 20 }, () => authorize(grantId)),
      );
      held.release();
      expect([await first, ...(await rest)].map(decision)).toEqual(Array(21).fill('permit'));
      expect(world.eventlog.acknowledged.map((events) => events.length)).toEqual([2, 1, 20]);
    });

    it('to commands decided during a commit wait for their own append', async () => {
      let judged = 0;
      const busy = world.owner({ rules: { ...RULES, judge: (...of) => (judged++, RULES.judge(...of)) } });
      const grantId = grantIdOf(await busy.submit(openRun()));
      const [one, two] = [world.eventlog.hold(), world.eventlog.hold()];
      const seen: string[] = [];
      const ask = (name: string) =>
        busy.submit(authorize(grantId)).then((answer) => seen.push(`${name} ${String(decision(answer))}`));
      const first = ask('first');
      await one.arrived;
      const second = ask('second');
      await settled();
      expect([judged, seen]).toEqual([2, []]);
      one.release();
      await two.arrived;
      await first;
      expect(seen).toEqual(['first permit']);
      two.release();
      await second;
      expect(seen).toEqual(['first permit', 'second permit']);
    });

    it('are not decided on a commit that takes too long, because their time would be outdated', async () => {
      let judged = 0;
      const busy = world.owner({ rules: { ...RULES, judge: (...of) => (judged++, RULES.judge(...of)) } });
      const grantId = grantIdOf(await busy.submit(openRun()));
      const held = world.eventlog.hold();
      const first = busy.submit(authorize(grantId));
      await held.arrived;
      world.now += LIMITS.decideAheadMs + 1;
      const second = busy.submit(authorize(grantId));
      await settled();
      expect(judged).toBe(1);
      world.now += 60_000;
      held.release();
      expect((await Promise.all([first, second])).map(decision)).toEqual(['permit', 'permit']);
      expect(Date.parse((await world.events()).at(-1)?.time ?? '')).toBe(world.now);
    });

    it('to reads contain committed state only, not decisions made during the commit', async () => {
      const held = world.eventlog.hold();
      const first = owner.submit(openRun());
      const reading = owner.read((state) => state.grants.size);
      await held.arrived;
      const second = owner.submit(openRun());
      await settled();
      held.release();
      expect(await reading).toBe(1);
      expect([await first, await second].map(({ ok }) => ok)).toEqual([true, true]);
    });

    it('follow one append at a time, even if more commands arrive during a commit than the next one takes', async () => {
      const grantId = await granted();
      const limit = jest.replaceProperty(LIMITS, 'appendBatchEvents', 4 as never);
      const [one, two] = [world.eventlog.hold(), world.eventlog.hold()];
      let hasSecondArrived = false;
      void two.arrived.then(() => (hasSecondArrived = true));
      const answers = [owner.submit(authorize(grantId))];
      await one.arrived;
      answers.push(...Array.from({ length: 7 }, () => owner.submit(authorize(grantId))));
      await settled();
      expect(hasSecondArrived).toBe(false);
      one.release();
      two.release();
      expect((await Promise.all(answers)).map(decision)).toEqual(Array(8).fill('permit'));
      expect(world.eventlog.acknowledged.map((events) => events.length)).toEqual([2, 1, 2, 2, 2, 1]);
      limit.restore();
    });

    it('name the position of the event that they report', async () => {
      const grantId = await granted();
      const answers = await world.together(
        owner,
        Array.from({ length: 30 }, () => authorize(grantId)),
      );
      const events = await world.events();
      answers.forEach((answer, i) => {
        const { position, actionId } = value<{ position: number; actionId: string }>(answer);
        expect(position).toBe(2 + i);
        expect(events[position]?.actionId).toBe(actionId);
      });
    });

    it.each<[string, unknown, string]>([
      ['is not an object', 'revoke everything', 'BAD_REQUEST'],
      ['is of no known type', { ...openRun(), type: 'grantAll' }, 'BAD_REQUEST'],
      ['has an extra member', { ...openRun(), admin: true }, 'BAD_REQUEST'],
      ['names a grant that does not exist', authorize(`grt_0_${'0'.repeat(26)}`), 'NOT_FOUND'],
      ['is meant for another log (I9)', { ...openRun(), log: 'other/0' }, 'NOT_FOUND'],
    ])('to a command that %s are refusals, without an append', async (_what, raw, code) => {
      expect(refusal(await owner.submit(raw))).toBe(code);
      expect(world.eventlog.tried).toBe(0);
    });

    it('with a refusal by a rule follow after it is written', async () => {
      const grantId = await granted();
      const before = (await world.events()).length;
      const other = { actor: { kind: 'run', id: `run_0_${'0'.repeat(26)}` } } as const;
      expect(refusal(await owner.submit(authorize(grantId, other)))).toBe('FORBIDDEN');
      expect(await types(before)).toEqual(['Refused']);
    });
  });

  describe('a batch of commands', () => {
    const ask = (grantId: string, count: number, cost = {}) =>
      Array.from({ length: count }, () => authorize(grantId, { cost }));
    const permits = (answers: Answer[]) => answers.filter((answer) => decision(answer) === 'permit').length;

    it('permits at most the calls in the budget that its grants share (I3)', async () => {
      const root = await granted({ ...ROOMY, budget: { ...ROOMY.budget, calls: 50 } });
      const child = { agent: { class: 'helper' }, purposeRef: REF, grant: {} };
      const children = await world.together(
        owner,
        Array.from({ length: 4 }, () => command('delegate', { grantId: root, ...child })),
      );
      const calls = children.map(grantIdOf).flatMap((grantId) => ask(grantId, 40));
      const tried = world.eventlog.tried;
      expect(permits(await world.together(owner, calls))).toBe(50);
      expect(world.eventlog.tried).toBe(tried + 1);
      expect((await types()).filter((type) => type === 'ActionPermitted')).toHaveLength(50);
    });

    it('reserves at most the money in the budget, down to the last unit', async () => {
      const root = await granted({ ...ROOMY, budget: { ...ROOMY.budget, cost: { USD: 100 } } });
      expect(permits(await world.together(owner, ask(root, 60, { USD: 7 })))).toBe(14);
      expect(permits(await world.together(owner, [...ask(root, 1, { USD: 3 }), ...ask(root, 1, { USD: 2 })]))).toBe(1);
    });

    it('permits no action after a revocation earlier in the batch (I6, I2)', async () => {
      const root = await granted();
      const revoke = command('revokeGrant', { grantId: root });
      const answers = await world.together(owner, [authorize(root), revoke, authorize(root)]);
      expect([decision(answers[0] as Answer), decision(answers[2] as Answer)]).toEqual(['permit', 'deny']);
    });

    it('writes expiries first, so that no command acts under an expired grant (I2)', async () => {
      const grantId = await granted({ ...ROOMY, time: { ttl: '1h' } });
      const permitted = value<{ actionId: string }>(await owner.submit(authorize(grantId)));
      const before = (await world.events()).length;
      // time passes while the owner waits: the next command finds both expiries pending
      world.now += 3_600_000;
      const settle = command('settle', { actionId: permitted.actionId, outcome: { status: 'completed' } });
      const answers = await world.together(owner, [authorize(grantId), settle]);
      expect(await types(before)).toEqual(['ActionAbandoned', 'GrantExpired', 'ActionDenied', 'OutcomeReportedLate']);
      expect(decision(answers[0] as Answer)).toBe('deny');
      expect(answers[1]).toMatchObject({ ok: true, value: { action: { status: 'abandoned', late: 'completed' } } });
    });

    it('writes expiries without a command', async () => {
      await granted({ ...ROOMY, time: { ttl: '1h' } });
      world.now += 3_600_000;
      const held = world.eventlog.hold();
      expect((await held.arrived).map((event) => event.type)).toEqual(['GrantExpired']);
      held.release();
    });
  });

  describe('limits', () => {
    const wordy = Object.fromEntries(Array.from({ length: 32 }, (_, i) => [`k${i}`, '書'.repeat(LIMITS.nameLength)]));
    const tooLarge = (grantId: string) =>
      authorize(grantId, { resource: { type: 'file', id: 'a', attributes: wordy } });

    it('refuse only the command whose event is too large, and leave the state unchanged', async () => {
      const grantId = await granted();
      const digest = await world.digest(owner);
      expect(refusal(await owner.submit(tooLarge(grantId)))).toBe('TOO_LARGE');
      expect(await world.digest(owner)).toBe(digest);
      const answers = await world.together(owner, [authorize(grantId), tooLarge(grantId), authorize(grantId)]);
      expect(answers.map(refusal)).toEqual([undefined, 'TOO_LARGE', undefined]);
      expect((await world.events()).map((event) => event.position)).toEqual([0, 1, 2, 3]);
      expect(await world.digest(owner)).toBe(await digestFromZero(world.eventlog));
    });

    it('refuse only the command whose event is not readable, name the field, and leave the state unchanged', async () => {
      const odd = { rule: 'odd', outcome: 'perhaps' as 'deny', message: 'of no known outcome' };
      const rules: Rules = { ...RULES, judge: (_seen, { labels }) => (labels.includes('odd') ? [odd] : []) };
      const { world: other, owner: strict } = await World.start({ rules });
      const grantId = grantIdOf(await strict.submit(openRun()));
      const digest = await other.digest(strict);
      const answers = await other.together(strict, [
        authorize(grantId),
        authorize(grantId, { labels: ['odd'] }),
        command('revokeGrant', { grantId }),
      ]);
      expect(answers.map(refusal)).toEqual([undefined, 'EVENT_NOT_READABLE', undefined]);
      expect(answers[1]).toMatchObject({ refusal: { detail: expect.stringContaining('data.reasons.0.outcome') } });
      expect((await other.events()).map(({ type }) => type).slice(2)).toEqual(['ActionPermitted', 'GrantRevoked']);
      expect(await other.digest(strict)).not.toBe(digest);
      expect(await other.digest(strict)).toBe(await digestFromZero(other.eventlog));
      await other.end();
    });

    it('refuse only the command whose payload is too large, and leave the state unchanged', async () => {
      const purpose = { salt: 'x'.repeat(22), value: { purpose: '書'.repeat(4_000), task: '書'.repeat(4_000) } };
      const answers = await world.together(owner, [openRun(), openRun(ROOMY, { payload: purpose }), openRun()]);
      expect(answers.map(refusal)).toEqual([undefined, 'TOO_LARGE', undefined]);
      expect(await world.events()).toHaveLength(4);
      expect(world.warnings).toEqual([]);
    });

    it('refuse commands at once when the mailbox is full, and all accepted ones are answered', async () => {
      const held = world.eventlog.hold();
      const first = owner.submit(openRun());
      await held.arrived;
      const unknown = authorize(`grt_0_${'0'.repeat(26)}`);
      const taken = Array.from({ length: LIMITS.mailboxCommands }, () => owner.submit(unknown));
      const [more, reading] = [owner.submit(unknown), owner.read(stateDigest)];
      await expect(reading).rejects.toThrow('accepts no reads');
      expect(refusal(await more)).toBe('TOO_MANY');
      held.release();
      expect((await first).ok).toBe(true);
      expect(new Set((await Promise.all(taken)).map(refusal))).toEqual(new Set(['NOT_FOUND']));
      expect((await owner.submit(openRun())).ok).toBe(true);
    });

    it('split a batch that is too large for one append over several, without loss', async () => {
      const many = Array.from({ length: 820 });
      const once = { ...ROOMY, budget: { ...ROOMY.budget, calls: 1 } };
      const child = { agent: { class: 'helper' }, purposeRef: REF };
      let grants = (
        await world.together(
          owner,
          many.map(() => openRun(once)),
        )
      ).map(grantIdOf);
      for (const depth of [2, 1, 0]) {
        const grant = { delegation: { ...ROOMY.delegation, depth } };
        const below = grants.map((grantId) => command('delegate', { ...child, grantId, grant }));
        grants = (await world.together(owner, below)).map(grantIdOf);
      }
      // each permit ends its grant and the three above it: five events
      const answers = await world.together(
        owner,
        grants.map((grantId) => authorize(grantId)),
      );
      expect(new Set(answers.map(decision))).toEqual(new Set(['permit']));
      expect((await types()).filter((type) => type === 'GrantExhausted')).toHaveLength(4 * many.length);
      expect(world.warnings).toEqual([]);
    }, 60_000);

    it('split simultaneous expiries over several appends', async () => {
      const paid = { ...ROOMY, budget: { ...ROOMY.budget, cost: { USD: 1 } } };
      const spend = { cost: { USD: 1 } };
      for (let i = 0; i < 6; i++) await owner.submit(authorize(await granted(paid), spend));
      const limit = jest.replaceProperty(LIMITS, 'appendBatchEvents', 6 as never);
      world.now += LIMITS.permitMs + LIMITS.outcomeMs; // each permit ends with the whole of its budget: two events
      expect((await owner.submit(openRun())).ok).toBe(true);
      expect((await types()).filter((type) => type === 'GrantExhausted')).toHaveLength(6);
      expect(world.warnings).toEqual([]);
      limit.restore();
    });
  });

  describe('state', () => {
    it('binds an idempotency key to one request digest, and refuses another without an append', async () => {
      const key = { commandId: 'idk_00000001', requestDigest: DIGEST };
      await owner.submit(openRun(ROOMY, key));
      const other = openRun(ROOMY, { ...key, requestDigest: `sha256:${'b'.repeat(64)}` });
      expect(refusal(await owner.submit(other))).toBe('IDEMPOTENCY_KEY_REUSED');
      expect(refusal(await owner.submit({ ...other, requestDigest: undefined }))).toBe('IDEMPOTENCY_KEY_REUSED');
      expect(world.eventlog.tried).toBe(1);
    });

    it('never decreases in time, even if the clock goes back a little', async () => {
      await granted();
      const before = world.now;
      world.now -= 1_500;
      await granted();
      expect((await world.events()).map((event) => Date.parse(event.time))).toEqual([before, before, before, before]);
    });

    it('accepts only commands that take authority away while the clock is behind (I11)', async () => {
      const grantId = await granted();
      const before = world.now;
      world.now -= 3_600_000;
      expect(refusal(await owner.submit(authorize(grantId)))).toBe('NOT_READY');
      expect(refusal(await owner.submit(openRun()))).toBe('NOT_READY');
      expect((await owner.submit(command('revokeGrant', { grantId }))).ok).toBe(true);
      world.now = before;
      expect(decision(await owner.submit(authorize(grantId)))).toBe('deny');
      expect((await owner.submit(openRun())).ok).toBe(true);
    });
  });

  describe('stop', () => {
    it('finishes the commit in flight, refuses waiting commands, and leaves no request unanswered', async () => {
      const held = world.eventlog.hold();
      const first = owner.submit(openRun());
      await held.arrived;
      const waiting = world.together(owner, [openRun(), openRun()]);
      const reading = owner.read(stateDigest);
      const stopped = owner.stop();
      expect(refusal(await owner.submit(openRun()))).toBe('NOT_READY');
      held.release();
      await expect(reading).rejects.toThrow('shut down');
      expect((await first).ok).toBe(true);
      expect((await waiting).map(refusal)).toEqual(['NOT_READY', 'NOT_READY']);
      await stopped;
      expect(await types()).toEqual(['RunOpened', 'GrantIssued']);
      await expect(owner.read(stateDigest)).rejects.toThrow();
    });
  });
});
