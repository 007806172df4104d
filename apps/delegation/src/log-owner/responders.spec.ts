import type { Event } from '@bailiwick/contracts/events/event';
import { deployment } from '@bailiwick/authority/testing/policies';
import type { Responder } from '@bailiwick/contracts/policy/responder';
import { authorize, command, decision, digestFromZero, grantIdOf, openRun, World } from '../testing/world';
import type { LogOwner } from './owner';

const CANARY: Responder = {
  name: 'canary',
  on: { canary: { verbs: ['file.read'] } },
  do: 'suspend',
  select: 'class',
  limit: { most: 1, within: '1h' },
  says: 'look',
};
const RESPONSE: Event['type'][] = ['ResponderFired', 'RevocationRuleAdded'];
const DID: Event['type'][] = ['ActionPermitted', ...RESPONSE];

describe('the owner of a log whose policy has responders', () => {
  let world: World;
  let owner: LogOwner;
  beforeEach(async () => {
    ({ world, owner } = await World.start());
    await owner.submit(command('deployPolicy', deployment({ responders: [CANARY] }, 0)));
  });
  afterEach(() => world.end());

  it('suspends in the append of the action that fires one, before the next command of the batch', async () => {
    const grantId = grantIdOf(await owner.submit(openRun()));
    const answers = await world.together(owner, [authorize(grantId), authorize(grantId)]);
    expect(answers.map(decision)).toEqual(['permit', 'deny']);
    const last = world.eventlog.acknowledged.at(-1) as readonly { type: string }[];
    expect(last.map(({ type }) => type)).toEqual([...DID, 'ActionDenied']);
    expect((await world.events()).slice(-4).map(({ type }) => type)).toEqual([...DID, 'ActionDenied']);
  });

  it.each([true, false])(
    'suspends once if the outcome of that append is unknown, and it was written: %s',
    async (written) => {
      const grantId = grantIdOf(await owner.submit(openRun()));
      world.eventlog.loseNext(written);
      await owner.submit(authorize(grantId));
      await owner.submit(authorize(grantId));
      const types = (await world.events()).map(({ type }) => type);
      expect(types.filter((type) => RESPONSE.includes(type))).toEqual(RESPONSE);
      expect(types.indexOf('ResponderFired')).toBe(types.indexOf('ActionPermitted') + 1);
      expect(await world.digest(owner)).toBe(await digestFromZero(world.eventlog));
    },
  );

  it('suspends at the start of the next owner if the process died with the firing pending', async () => {
    const grantId = grantIdOf(await owner.submit(openRun()));
    await owner.submit(authorize(grantId));
    const written = world.eventlog.acknowledged.flat();
    const cut = written.findIndex(({ type }) => type === 'ResponderFired');
    const { world: later } = await World.start();
    await later.eventlog.append('default/0', 0, written.slice(0, cut)); // a full batch ended here
    later.now = world.now;
    const next = later.owner();
    expect(decision(await next.submit(authorize(grantId)))).toBe('deny');
    const types = (await later.events()).slice(cut).map(({ type }) => type);
    expect(types).toEqual([...RESPONSE, 'ActionDenied']);
    expect(await later.digest(next)).toBe(await digestFromZero(later.eventlog));
    await later.end();
  });
});
