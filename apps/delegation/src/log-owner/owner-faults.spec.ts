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

describe('an owner whose append goes wrong', () => {
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

  describe('not knowing whether it happened', () => {
    it.each<[string, (world: World) => void, number]>([
      ['was written', ({ eventlog }) => eventlog.loseNext(true), 1],
      ['was not written', ({ eventlog }) => eventlog.loseNext(false), 0],
      ['threw before it was written', ({ eventlog }) => eventlog.throwNext(), 0],
    ])('answers NOT_READY to all of a batch that %s, and refolds', async (_what, fail, times) => {
      const grantId = await granted();
      fail(world);
      const answers = await world.together(owner, [authorize(grantId), authorize(grantId)]);
      expect(answers.map(refusal)).toEqual(['NOT_READY', 'NOT_READY']);
      expect(await owner.read((state) => state.next)).toBe(2 + 2 * times);
      expect(world.announced).toEqual([[0, 2]]);
      await sound();
    });

    it.each([true, false])(
      'gives the retry just the answer the first would have had, and writes once (written: %s)',
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

    it('charges a budget once, however often an answer was lost', async () => {
      const grantId = await granted();
      const asked = authorize(grantId, { cost: { USD: 30 } });
      for (const written of [false, true, true]) {
        world.eventlog.loseNext(written);
        await owner.submit(asked);
      }
      expect(decision(await owner.submit(asked))).toBe('permit');
      expect(await owner.read((state) => state.grants.get(grantId)?.usage.reserved.cost)).toEqual({ USD: 30 });
      expect(await ofCommand(asked.commandId)).toHaveLength(1);
    });

    it('carries out nothing later that it has refused, also where the batch was too full for one append', async () => {
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

    it('tells nothing that it decided meanwhile on what was then not written, and decides the retry anew', async () => {
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
      const second = owner.submit(authorize(grantId)); // there is nothing left for it, if the first is written
      await settled();
      fail();
      expect([await first, await second].map(refusal)).toEqual(['NOT_READY', 'NOT_READY']);
      expect(decision(await owner.submit(authorize(grantId)))).toBe('permit');
      expect((await world.events()).map((event) => event.type)).not.toContain('ActionDenied');
      await sound();
    });

    it('is not troubled by what it could not announce', async () => {
      const loud = world.owner({
        publish: () => {
          throw new Error('no bus');
        },
      });
      expect((await loud.submit(openRun())).ok).toBe(true);
      expect(world.warnings).toHaveLength(1);
    });
  });

  describe('with a key that was used before', () => {
    it('tells two copies in one batch the same, and writes once', async () => {
      const grantId = await granted();
      const asked = authorize(grantId, { commandId: 'idk_00000001' });
      const [one, two] = await world.together(owner, [asked, asked]);
      expect(one?.ok).toBe(true);
      expect(two).toEqual(one);
      expect(await ofCommand('idk_00000001')).toHaveLength(1);
    });

    it('tells a new owner’s client what the old owner answered', async () => {
      const grantId = await granted();
      const asked = [
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
      Object.assign(asked[5] as object, { runId });
      const first = await world.together(owner, asked);
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
      expect(await world.together(next, asked)).toEqual(first);
      expect(world.eventlog.tried).toBe(tried);
    });

    it('forgets it after a day, and not before: then it makes something new, and never the old again', async () => {
      const asked = openRun({ ...ROOMY, time: { ttl: '30d' } }, { commandId: 'idk_00000001' });
      const first = await owner.submit(asked);
      world.now += LIMITS.idempotencyMs;
      await owner.submit(openRun());
      expect(await owner.submit(asked)).toEqual(first);
      world.now += 1_000;
      await owner.submit(openRun());
      const fresh = await owner.submit(asked);
      expect(grantIdOf(fresh)).not.toBe(grantIdOf(first));
    });
  });

  describe('because another owner writes', () => {
    it('refuses, refolds, and decides the retry on what the other wrote', async () => {
      const grantId = await granted();
      const rival = world.owner();
      await rival.read(() => undefined);
      world.eventlog.beforeNext(async () => {
        expect((await rival.submit(command('revokeGrant', { grantId }))).ok).toBe(true);
      });
      const asked = authorize(grantId);
      expect(refusal(await owner.submit(asked))).toBe('NOT_READY');
      expect(decision(await owner.submit(asked))).toBe('deny');
      expect((await world.events()).map((event) => event.type)).toEqual([
        'RunOpened',
        'GrantIssued',
        'GrantRevoked',
        'ActionDenied',
      ]);
      await sound();
    });

    it('never lets two owners together permit more than the budget (I3)', async () => {
      const grantId = grantIdOf(await owner.submit(openRun({ ...ROOMY, budget: { ...ROOMY.budget, calls: 25 } })));
      const rival = world.owner();
      let permits = 0;
      const ask = async (who: LogOwner) => {
        const asked = authorize(grantId);
        for (;;) {
          const answer = await who.submit(asked);
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

    it('writes nothing under a lease that it has lost, and answers NOT_READY for as long as it is asked', async () => {
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

  describe('and that cannot load its log', () => {
    it('answers NOT_READY meanwhile, and serves as soon as it can', async () => {
      const grantId = await granted();
      world.eventlog.failReads(1);
      const next = world.owner();
      await expect(next.read(() => undefined)).rejects.toThrow('cannot be read');
      expect(world.warnings).toHaveLength(1);
      expect(decision(await next.submit(authorize(grantId)))).toBe('permit');
    });

    it('answers NOT_READY also to what came too late to be decided on the state that it had', async () => {
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

    it('takes nothing but revocations where an event cannot be read, states it, and writes nothing to the log (I11)', async () => {
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
