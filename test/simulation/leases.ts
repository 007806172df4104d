import type { GrantRequest, WindowCap } from '@bailiwick/contracts/grants/grant';
import type { Random } from '../support/random';

/** Requests of leases. Their caps are low enough to be reached. */

const cap = (random: Random): number => random.pick([2, 4, 6, 9, 12, 50]);
const windows = (random: Random): WindowCap[] =>
  random.chance(0.3)
    ? [
        random.pick<WindowCap>([
          { per: '2s', calls: 2 },
          { per: '1m', cost: { USD: 9 } },
          { per: '1m', writes: 2 },
          { per: '1m', units: { tokens: 9 } },
          { per: 'day', timezone: 'Australia/Lord_Howe', calls: 9 },
        ]),
      ]
    : [];

export function rootGrant(random: Random): GrantRequest {
  return {
    time: {
      ttl: random.pick(['5s', '30m', '2h', '3d', '3d']),
      ...(random.chance(0.5) ? { renewUntil: '9d' } : {}),
      ...(random.chance(0.1) ? { endsOn: [{ actions: ['thing.delete'] }] } : {}),
    },
    actions: random.pick([{ allow: ['*'] }, { allow: ['*'] }, { allow: ['file.*', '**.send'], deny: ['file.write'] }]),
    resources: random.pick([
      [{ type: '*', match: '**' }],
      [{ type: '*', match: '**' }],
      [{ type: 'file', match: 'a/**' }],
    ]),
    ...(random.chance(0.2) ? { permissions: random.pick(PERMISSIONS) } : {}),
    ...(random.chance(0.2) ? { deny: DENIED } : {}),
    budget: {
      calls: cap(random) + 6,
      reads: cap(random) + 6,
      writes: cap(random) + 2,
      external: cap(random),
      cost: random.pick<Record<string, number>>([{ USD: 12 }, { USD: 30 }, { USD: 60 }, { USD: 60 }]),
      ...(random.chance(0.5) ? { units: { tokens: random.pick([12, 40]) } } : {}),
      ...(random.chance(0.1) ? { askAt: 0.7 } : {}),
      ...(random.chance(0.2) ? { perVerb: [{ actions: ['file.*', '**.send'], calls: random.pick([3, 8]) }] } : {}),
      windows: windows(random),
    },
    delegation: {
      depth: random.between(1, 4),
      children: random.between(2, 5),
      classes: ['*'],
      ...(random.chance(0.3) ? { concurrent: random.between(1, 3) } : {}),
      ...(random.chance(0.15) ? { ask: true } : {}),
    },
    ...(random.chance(0.15) ? { risk: { approvalFrom: 'medium' } } : {}),
  };
}

const ANY = [{ type: '*', match: '**' }];
const PERMISSIONS: NonNullable<GrantRequest['permissions']>[] = [
  [{ actions: ['*'], resources: ANY }],
  [
    { actions: ['file.read'], resources: ANY, calls: 7, cost: { USD: 30 } },
    { actions: ['file.write', 'email.send'], resources: ANY, mode: 'propose' },
  ],
];
const DENIED: GrantRequest['deny'] = [{ actions: ['file.write'], resources: [{ type: 'file', match: 'a/b/**' }] }];

export function childGrant(random: Random): GrantRequest {
  return {
    ...(random.chance(0.3)
      ? { time: { ttl: random.pick(['5s', '1m', '30m']), ...(random.chance(0.4) ? { renewUntil: '1h' } : {}) } }
      : {}),
    ...(random.chance(0.2) ? { actions: { deny: ['thing.*'] } } : {}),
    ...(random.chance(0.15) ? { permissions: random.pick(PERMISSIONS) } : {}),
    ...(random.chance(0.15) ? { deny: DENIED } : {}),
    ...(random.chance(0.5)
      ? {
          budget: {
            calls: cap(random),
            ...(random.chance(0.3) ? { cost: { USD: random.pick([6, 12]) } } : {}),
            ...(random.chance(0.2) ? { reserve: true, reads: 3, writes: 2, external: 1, units: {} } : {}),
            windows: windows(random),
          },
        }
      : {}),
    ...(random.chance(0.8)
      ? { delegation: { depth: random.between(0, 2), children: random.between(1, 3), classes: ['*'] } }
      : {}),
  };
}
