import { LIMITS } from '@bailiwick/core/limits';
import { LogOwner } from './owner';
import {
  authorize,
  command,
  decision,
  digestFromZero,
  grantIdOf,
  LOG,
  openRun,
  refusal,
  ROOMY,
  settled,
  World,
} from '../testing/world';

describe('LogOwner after a failed append', () => {
  let world: World;
  let owner: LogOwner;
  beforeEach(async () => {
    ({ world, owner } = await World.start());
  });
  afterEach(() => world.end());

  const granted = async (): Promise<string> => grantIdOf(await owner.submit(openRun()));
  const ofCommand = async (id: string) => (await world.events()).filter((event) => event.commandId === id);
  const sound = async () => {
    expect(await world.digest(owner)).toBe(await digestFromZero(world.eventlog));
    expect((await world.events()).map((event) => event.position)).toEqual(
      Array.from({ length: await world.eventlog.head(LOG) }, (_, i) => i),
    );
  };

  describe('of unknown outcome', () => {
    it.each<[string, (world: World) => void, number]>([
      ['was written', ({ eventlog }) => eventlog.loseNext(true), 1],
      ['was not written', ({ eventlog }) => eventlog.loseNext(false), 0],
      ['threw before it was written', ({ eventlog }) => eventlog.throwNext(), 0],
    ])('answers NOT_READY to all commands of a batch that %s, and refolds', async (_what, fail, times) => {
      const grantId = await granted();
      fail(world);
      const answers = await world.together(owner, [authorize(grantId), authorize(grantId)]);
      expect(answers.map(refusal)).toEqual(['NOT_READY', 'NOT_READY']);
      expect(await owner.read((state) => state.next)).toBe(2 + 2 * times);
      expect(world.announced).toEqual([[0, 2]]);
      await sound();
    });

    it.each([true, false])(
      'answers a retry as it would have answered the first attempt, and writes once (written: %s)',
      async (written) => {
        const commands = (ids: string[]) =>
          ids.map((id) =>
            openRun(ROOMY, { commandId: id, payload: { salt: 's'.repeat(22), value: { purpose: 'tidy' } } }),
          );
        const ids = ['idk_00000001', 'cmd_00000002'];
        const { world: healthy, owner: other } = await World.start();
        const first = await healthy.together(other, commands(ids));
        await healthy.end();

        world.eventlog.loseNext(written);
        expect((await world.together(owner, commands(ids))).map(refusal)).toEqual(['NOT_READY', 'NOT_READY']);
        expect(await world.together(owner, commands(ids))).toEqual(first);
        expect(await world.together(owner, commands(ids))).toEqual(first);
        for (const id of ids) expect(await ofCommand(id)).toHaveLength(2);
        await sound();
      },
    );

    it('charges a budget once, however often a response is lost', async () => {
      const grantId = await granted();
      const repeated = authorize(grantId, { cost: { USD: 30 } });
      for (const written of [false, true, true]) {
        world.eventlog.loseNext(written);
        await owner.submit(repeated);
      }
      expect(decision(await owner.submit(repeated))).toBe('permit');
      expect(await owner.read((state) => state.grants.get(grantId)?.usage.reserved.cost)).toEqual({ USD: 30 });
      expect(await ofCommand(repeated.commandId)).toHaveLength(1);
    });

    it('never carries out a refused command later, even if the batch was too large for one append', async () => {
      const grantId = await granted();
      for (let i = 0; i < 5; i++)
        await world.together(
          owner,
          Array.from({ length: 100 }, () => authorize(grantId)),
        );
      world.now += LIMITS.permitMs; // 500 permits to end before the batch's own commands
      world.eventlog.loseNext(false);
      const answers = await world.together(
        owner,
        Array.from({ length: 1_024 }, () => openRun()),
      );
      expect(new Set(answers.map(refusal))).toEqual(new Set(['NOT_READY']));
      await owner.read(() => undefined);
      expect((await world.events()).filter((event) => event.type === 'RunOpened')).toHaveLength(1);
    });

    it('drops decisions based on a batch that was not written, and decides their retries again', async () => {
      const grantId = grantIdOf(await owner.submit(openRun({ ...ROOMY, budget: { ...ROOMY.budget, calls: 1 } })));
      let fail = (): void => undefined;
      const arrived = new Promise<void>((resolve) =>
        world.eventlog.beforeNext(
          () =>
            new Promise((_, reject) => {
              fail = () => reject(new Error('the connection broke'));
              resolve();
            }),
        ),
      );
      const first = owner.submit(authorize(grantId));
      await arrived;
      const second = owner.submit(authorize(grantId)); // the budget is used up if the first is written
      await settled();
      fail();
      expect([await first, await second].map(refusal)).toEqual(['NOT_READY', 'NOT_READY']);
      expect(decision(await owner.submit(authorize(grantId)))).toBe('permit');
      expect((await world.events()).map((event) => event.type)).not.toContain('ActionDenied');
      await sound();
    });

    it('succeeds even if a commit cannot be announced', async () => {
      const loud = world.owner({
        publish: () => {
          throw new Error('no bus');
        },
      });
      expect((await loud.submit(openRun())).ok).toBe(true);
      expect(world.warnings).toHaveLength(1);
    });
  });

  describe('and repeated commands', () => {
    it('gives two copies in one batch the same response, and writes once', async () => {
      const grantId = await granted();
      const repeated = authorize(grantId, { commandId: 'idk_00000001' });
      const [one, two] = await world.together(owner, [repeated, repeated]);
      expect(one?.ok).toBe(true);
      expect(two).toEqual(one);
      expect(await ofCommand('idk_00000001')).toHaveLength(1);
    });

    it('gives the original response as a new owner of the log', async () => {
      const grantId = await granted();
      const repeated = [
        authorize(grantId, { commandId: 'idk_00000001', cost: { USD: 5 } }),
        authorize(grantId, {
          commandId: 'idk_00000002',
          action: { verb: 'thing.delete', argsDigest: `sha256:${'0'.repeat(64)}` },
        }),
        authorize(grantId, { commandId: 'idk_00000003', cost: { EUR: 5 } }),
        command(
          'delegate',
          { grantId, agent: { class: 'helper' }, purposeRef: `ref_${'0'.repeat(26)}`, grant: {} },
          { commandId: 'idk_00000004' },
        ),
        command(
          'delegate',
          {
            grantId,
            agent: { class: 'helper' },
            purposeRef: `ref_${'0'.repeat(26)}`,
            grant: { budget: { calls: 1e6 } },
          },
          { commandId: 'idk_00000005' },
        ),
        command(
          'recordDrift',
          { runId: 'run', score: 0.2, features: [], monitor: 'test' },
          { commandId: 'sys_00000006' },
        ),
        command('revokeGrant', { grantId }, { commandId: 'idk_00000007' }),
      ];
      const runId = (await world.events())[0]?.runId as string;
      Object.assign(repeated[5] as object, { runId });
      const first = await world.together(owner, repeated);
      expect(first.slice(0, 3).map(decision)).toEqual(['permit', 'step-up', 'deny']);
      expect(first.map(refusal)).toEqual([
        undefined,
        undefined,
        undefined,
        undefined,
        'GRANT_WIDENS_PARENT',
        undefined,
        undefined,
      ]);
      await owner.stop();
      const tried = world.eventlog.tried;
      const next = world.owner();
      expect(await world.together(next, repeated)).toEqual(first);
      expect(world.eventlog.tried).toBe(tried);
    });

    it('remembers a key for a day, and then treats the command as new', async () => {
      const repeated = openRun({ ...ROOMY, time: { ttl: '30d' } }, { commandId: 'idk_00000001' });
      const first = await owner.submit(repeated);
      world.now += LIMITS.idempotencyMs;
      await owner.submit(openRun());
      expect(await owner.submit(repeated)).toEqual(first);
      world.now += 1_000;
      await owner.submit(openRun());
      const fresh = await owner.submit(repeated);
      expect(grantIdOf(fresh)).not.toBe(grantIdOf(first));
    });
  });

  describe('because of another owner', () => {
    it('refuses the command, refolds, and decides the retry on the other owner’s events', async () => {
      const grantId = await granted();
      const rival = world.owner();
      await rival.read(() => undefined);
      world.eventlog.beforeNext(async () => {
        expect((await rival.submit(command('revokeGrant', { grantId }))).ok).toBe(true);
      });
      const repeated = authorize(grantId);
      expect(refusal(await owner.submit(repeated))).toBe('NOT_READY');
      expect(decision(await owner.submit(repeated))).toBe('deny');
      expect((await world.events()).map((event) => event.type)).toEqual([
        'RunOpened',
        'GrantIssued',
        'GrantRevoked',
        'ActionDenied',
      ]);
      await sound();
    });

    it('never permits more than the budget together with the other owner (I3)', async () => {
      const grantId = grantIdOf(await owner.submit(openRun({ ...ROOMY, budget: { ...ROOMY.budget, calls: 25 } })));
      const rival = world.owner();
      let permits = 0;
      const ask = async (who: LogOwner) => {
        const repeated = authorize(grantId);
        for (;;) {
          const answer = await who.submit(repeated);
          if (refusal(answer) === 'NOT_READY') continue;
          if (decision(answer) === 'permit') permits += 1;
          return;
        }
      };
      for (let round = 0; round < 10; round++) await Promise.all([owner, rival, owner, rival].map(ask));
      expect(permits).toBe(25);
      expect((await world.events()).filter((event) => event.type === 'ActionPermitted')).toHaveLength(25);
      await sound();
    });

    it('writes no event under a lost lease, and answers NOT_READY to every command', async () => {
      await world.eventlog.heartbeat('me', 60_000);
      await world.eventlog.heartbeat('other', 60_000);
      const lease = await world.eventlog.acquireLease(LOG, 'me');
      const mine = world.owner({ fence: { owner: 'me', epoch: lease?.epoch as number } });
      const grantId = grantIdOf(await mine.submit(openRun()));
      await world.eventlog.leave('me');
      await world.eventlog.acquireLease(LOG, 'other');
      for (let i = 0; i < 3; i++) expect(refusal(await mine.submit(authorize(grantId)))).toBe('NOT_READY');
      await mine.stop();
      expect(await world.eventlog.head(LOG)).toBe(2);
      expect(world.announced).toEqual([[0, 2]]);
    });
  });

  describe('and a failed load', () => {
    it('answers NOT_READY until the log can be loaded', async () => {
      const grantId = await granted();
      world.eventlog.failReads(1);
      const next = world.owner();
      await expect(next.read(() => undefined)).rejects.toThrow('cannot be read');
      expect(world.warnings).toHaveLength(1);
      expect(decision(await next.submit(authorize(grantId)))).toBe('permit');
    });

    it('answers NOT_READY to commands that arrived too late for the dropped state', async () => {
      const grantId = await granted();
      const held = world.eventlog.hold();
      const first = owner.submit(authorize(grantId));
      await held.arrived;
      world.now += LIMITS.decideAheadMs + 1;
      const late = owner.submit(authorize(grantId));
      await settled();
      await world.owner().submit(command('revokeGrant', { grantId })); // so that the append is refused
      world.eventlog.failReads(1);
      held.release();
      expect([await first, await late].map(refusal)).toEqual(['NOT_READY', 'NOT_READY']);
      expect((await world.events()).map((event) => event.type)).toEqual(['RunOpened', 'GrantIssued', 'GrantRevoked']);
    });

    it('accepts only revocations after an unreadable event, reports it, and writes no event (I11)', async () => {
      const { world: broken, owner: started } = await World.start();
      await started.stop();
      await broken.eventlog.append(LOG, 0, [
        {
          position: 0,
          type: 'RunOpened',
          time: new Date(broken.now).toISOString(),
          body: '{"type":"Unheard"}',
          tenant: 'default',
          commandId: 'cmd_00000000',
        },
      ]);
      const next = broken.owner();
      expect(refusal(await next.submit(openRun()))).toBe('LOG_IN_DOUBT');
      expect(next.problems()).toMatchObject([{ log: LOG, kind: 'unreadable-event' }]);
      expect(await broken.eventlog.head(LOG)).toBe(1);
      await broken.end();
    });
  });
});
