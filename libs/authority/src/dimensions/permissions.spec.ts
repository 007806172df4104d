import type { PermissionsLimit } from '@bailiwick/contracts/grants/grant';
import { facts, NOW, situation, verdictText } from '../testing/facts';
import { deny } from './denied-pairs';
import { permissions } from './permissions';

const limit: PermissionsLimit = [
  { actions: ['file.read'], resources: [{ type: 'file', match: 'docs/**' }] },
  { actions: ['file.*'], resources: [{ type: 'file', match: 'src/**' }], mode: 'propose' },
  { actions: ['file.write'], resources: [{ type: 'file', match: 'src/app/**' }] },
  { actions: ['order.read'], resources: [{ type: 'order', match: '**', where: { region: { eq: 'eu' } } }] },
];
const ask = (verb: string, id: string, over: Parameters<typeof facts>[0] = {}) => {
  const [effect, type] = [verb.endsWith('read') ? ('read' as const) : ('write' as const), verb.split('.')[0] as string];
  return permissions.admits(
    limit,
    facts({ verb, effect, resource: { type, id, attributes: {} }, ...over }),
    situation(),
    NOW,
  );
};

describe('permissions', () => {
  it.each([
    ['file.read', 'docs/a', 'permit'],
    ['file.write', 'docs/a', 'deny NO_PERMISSION'],
    ['file.read', 'src/a', 'permit'],
    ['file.write', 'src/a', 'step-up MODE_PROPOSES'],
    ['file.write', 'src/app/a', 'permit'],
    ['mail.read', 'docs/a', 'deny NO_PERMISSION'],
    ['order.read', 'o-1', 'deny NO_PERMISSION'],
  ])('answer %s on %s with %s', (verb, id, verdict) => {
    expect(verdictText(ask(verb, id))).toBe(verdict);
  });

  it('name the entry that asks a person, and state where the verb is permitted', () => {
    expect(ask('file.write', 'src/a').path).toBe('permissions[1].mode');
    expect(ask('file.write', 'docs/a').message).toBe(
      'file.write is not permitted on file docs/a, only on file src/**, file src/app/**',
    );
  });

  it('ask a person about attributes that only the run has stated', () => {
    const resource = { type: 'order', id: 'o-1', attributes: { region: 'eu' } };
    expect(verdictText(ask('order.read', 'o-1', { resource }))).toBe('permit');
    expect(ask('order.read', 'o-1', { resource, stated: 'run' })).toMatchObject({
      outcome: 'step-up',
      code: 'RESOURCE_NOT_VERIFIED',
      path: 'permissions[3].resources',
    });
  });

  it('have a human-readable description', () => {
    expect(permissions.describe(limit.slice(0, 2))).toBe(
      'only file.read on file docs/** and file.* on file src/**, to read, to draft and to propose; a person decides about all else',
    );
  });
});

describe('denied pairs', () => {
  const pairs = [
    { actions: ['file.write'], resources: [{ type: 'file', match: '.github/**' }] },
    { actions: ['order.*'], resources: [{ type: 'order', match: '**', where: { amount: { gt: 100 } } }] },
  ];
  const on = (verb: string, id: string, attributes = {}, stated?: 'run') =>
    deny.admits(
      pairs,
      facts({ verb, stated, resource: { type: verb.split('.')[0] as string, id, attributes } }),
      situation(),
      NOW,
    );

  it.each<[string, string, object, 'run' | undefined, string]>([
    ['file.write', 'src/a', {}, undefined, 'permit'],
    ['file.read', '.github/a', {}, undefined, 'permit'],
    ['file.write', '.GitHub/a', {}, undefined, 'deny PAIR_DENIED'],
    ['order.pay', 'o', { amount: 100 }, undefined, 'permit'],
    ['order.pay', 'o', { amount: 101 }, undefined, 'deny PAIR_DENIED'],
    ['order.pay', 'o', { amount: '5' }, undefined, 'deny PAIR_DENIED'],
    ['order.pay', 'o', {}, undefined, 'deny PAIR_DENIED'],
    ['order.pay', 'o', { amount: 1 }, 'run', 'deny PAIR_DENIED'],
  ])('answer %s on %s with %j (stated by %s): %s', (verb, id, attributes, stated, verdict) => {
    expect(verdictText(on(verb, id, attributes, stated))).toBe(verdict);
  });

  it('state which attribute is not known', () => {
    expect(on('order.pay', 'o').message).toBe(
      'order.pay on order o is denied: never order.* on order ** where amount is more than 100; no enforcement point has stated amount, so the denial applies',
    );
  });
});
