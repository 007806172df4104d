import fc from 'fast-check';
import type { EventOf } from '@bailiwick/contracts/events/event';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import { act, delegateTestRun, only, openTestRun, TestLog } from '../../testing/harness';

const counts = { calls: 100, reads: 100, writes: 100, external: 100 };
const BASE: GrantRequest = {
  actions: { allow: ['*'] },
  resources: [{ type: '*', match: '**' }],
  budget: { ...counts, cost: { USD: 100 } },
  delegation: { depth: 5, children: 50, classes: ['*'] },
};
type Cost = Record<string, number>;
const below = (cost: Cost, more: GrantRequest['budget'] = {}): GrantRequest => ({
  budget: { ...counts, cost, ...more },
  delegation: { depth: 2, children: 5, classes: ['*'] },
});
const ENFORCER = { kind: 'service', id: 'key:enforcer', role: 'enforcer' } as const;

/** Opens a root with USD 100, a run below it, and the run that acts below that. */
function tower(child: GrantRequest, between: GrantRequest = below({ USD: 100 }), root: GrantRequest = BASE) {
  const log = new TestLog();
  const top = openTestRun(log, root);
  const middle = delegateTestRun(log, top.grantId, {
    ...between,
    delegation: { depth: 3, children: 10, classes: ['*'] },
  });
  const leaf = delegateTestRun(log, middle.grantId, child);
  const status = () => [top, middle, leaf].map(({ grantId }) => log.state.grants.get(grantId)?.status);
  const spent = () => [top, middle, leaf].map(({ grantId }) => log.state.grants.get(grantId)?.usage.committed.cost);
  return { log, top, middle, leaf, status, spent };
}
type Tower = ReturnType<typeof tower>;

function outcome({ log, leaf }: Tower, reserved: Cost, cost: Cost, by: 'own' | 'enforcer', failed = false) {
  const permit = act(log, leaf.grantId, 'file.read', { cost: reserved });
  expect(permit.type).toBe('ActionPermitted');
  const events = log.do('settle', {
    actionId: permit.actionId as string,
    outcome: { status: failed ? 'failed' : 'completed', cost },
    actor: by === 'own' ? { kind: 'run', id: leaf.runId } : ENFORCER,
  });
  return only(events, failed ? 'ActionFailed' : 'ActionCompleted') as EventOf<'ActionCompleted'>;
}

const LIVE = ['active', 'active'];

describe("the effect of a run's own cost report on its ancestors", () => {
  const cases: [string, GrantRequest, Cost, Cost, Cost, Cost, string][] = [
    // name, lease, reserved, reported, charged everywhere, recorded as a finding, resulting status of the lease
    ['a currency that no lease names', below({}), {}, { XXX: 1 }, {}, { XXX: 1 }, 'exhausted'],
    ['the largest amount of such a currency', below({}), {}, { XXX: 1e15 }, {}, { XXX: 1e15 }, 'exhausted'],
    ['zero of such a currency', below({}), {}, { XXX: 0 }, { XXX: 0 }, {}, 'active'],
    ['a currency that only a lease above names', below({}), {}, { USD: 50 }, {}, { USD: 50 }, 'exhausted'],
    [
      'more than the budget of its lease',
      below({ USD: 10 }),
      { USD: 1 },
      { USD: 99 },
      { USD: 10 },
      { USD: 89 },
      'exhausted',
    ],
    [
      'more than the reservation, within its lease',
      below({ USD: 10 }),
      { USD: 1 },
      { USD: 7 },
      { USD: 7 },
      {},
      'exhausted',
    ],
    ['the reservation', below({ USD: 10 }), { USD: 4 }, { USD: 4 }, { USD: 4 }, {}, 'active'],
    ['less than the reservation', below({ USD: 10 }), { USD: 4 }, { USD: 1 }, { USD: 1 }, {}, 'active'],
    [
      'one currency that it has and one that no lease has',
      below({ USD: 10 }),
      { USD: 4 },
      { USD: 40, XTS: 3 },
      { USD: 10 },
      { USD: 30, XTS: 3 },
      'exhausted',
    ],
    [
      'more than the cap per action',
      below({ USD: 10 }, { perAction: { cost: { USD: 3 } } }),
      { USD: 1 },
      { USD: 9 },
      { USD: 3 },
      { USD: 6 },
      'exhausted',
    ],
    [
      'more than the remainder of its window',
      below({ USD: 10 }, { windows: [{ per: '1h', cost: { USD: 2 } }] }),
      { USD: 1 },
      { USD: 9 },
      { USD: 2 },
      { USD: 7 },
      'exhausted',
    ],
  ];
  it.each(cases)('%s', (_name, lease, reserved, reported, charged, found, becomes) => {
    for (const failed of [false, true]) {
      const all = tower(lease);
      const sibling = delegateTestRun(all.log, all.middle.grantId, below({ USD: 1 }));
      const { data } = outcome(all, reserved, reported, 'own', failed);
      const sum = Object.fromEntries(Object.entries(charged).filter(([, value]) => value > 0));
      expect(data).toMatchObject({ cost: reported, charge: { cost: charged } });
      expect(Object.fromEntries((data.findings ?? []).map((each) => [each.currency, each.amount]))).toEqual(found);
      expect(all.spent()).toEqual([sum, sum, sum]);
      expect(all.status()).toEqual([...LIVE, becomes]);
      expect(act(all.log, sibling.grantId, 'file.read', { cost: { USD: 1 } }).type).toBe('ActionPermitted');
    }
  });

  it('is limited to the amount that a lease between it and the root could spend', () => {
    const all = tower(below({ USD: 10 }), below({ USD: 12 }));
    const cousin = delegateTestRun(all.log, all.middle.grantId, below({ USD: 5 }));
    act(all.log, cousin.grantId, 'file.read', { cost: { USD: 5 } });
    const { data } = outcome(all, { USD: 1 }, { USD: 1_000 }, 'own');
    expect(data.charge.cost).toEqual({ USD: 7 });
    expect(all.status()).toEqual([...LIVE, 'exhausted']);
  });

  it('excludes amounts that other actions of the same lease reserve', () => {
    const all = tower(below({ USD: 10 }));
    const other = act(all.log, all.leaf.grantId, 'file.read', { cost: { USD: 6 } });
    expect(outcome(all, { USD: 1 }, { USD: 1_000 }, 'own').data.charge.cost).toEqual({ USD: 4 });
    all.log.do('settle', { actionId: other.actionId as string, outcome: { status: 'completed' } });
    expect(all.spent()[0]).toEqual({ USD: 10 });
    expect(all.status()).toEqual([...LIVE, 'exhausted']);
  });

  it('ends an ancestor whose cap is reached exactly by an amount that the run may spend (I3)', () => {
    const all = tower(below({ USD: 100 }));
    outcome(all, { USD: 100 }, { USD: 100 }, 'own');
    expect(all.status()).toEqual(['exhausted', 'exhausted', 'exhausted']);
  });

  it('does not extend to the actions of a sibling, a parent or a child', () => {
    const { log, top, middle, leaf } = tower(below({ USD: 10 }));
    const sibling = delegateTestRun(log, middle.grantId, below({}));
    const { actionId } = act(log, leaf.grantId, 'file.read');
    for (const { runId } of [sibling, middle, top]) {
      const result = log.try('settle', {
        actionId: actionId as string,
        outcome: { status: 'completed', cost: { XXX: 1 } },
        actor: { kind: 'run', id: runId },
      });
      expect(result).toMatchObject({ refusal: { code: 'NOT_FOUND' } });
    }
  });

  it('is the reservation for an abandoned permit, which suspends nothing', () => {
    const all = tower(below({ USD: 10 }));
    act(all.log, all.leaf.grantId, 'file.read', { cost: { USD: 4 } });
    all.log.now += 30 * 60_000;
    expect(all.log.tickAll().map(({ type }) => type)).toEqual(['ActionAbandoned']);
    expect([all.status(), all.spent()[0]]).toEqual([[...LIVE, 'active'], { USD: 4 }]);
  });
});

describe('an overrun that an enforcement point reports', () => {
  it('is charged in full, ends the acting lease, and suspends ancestors whose cap it exceeds', () => {
    const all = tower(below({ USD: 10 }), below({ USD: 20 }));
    const { data } = outcome(all, { USD: 1 }, { USD: 30 }, 'enforcer');
    expect(data).toMatchObject({ charge: { cost: { USD: 30 } }, overrun: true });
    expect(data.findings).toBeUndefined();
    expect(all.spent()).toEqual([{ USD: 30 }, { USD: 30 }, { USD: 30 }]);
    expect(all.status()).toEqual(['active', 'suspended', 'exhausted']);
    expect(only(all.log.events, 'GrantSuspended').data.reason.code).toBe('OVERRUN');
  });

  it('suspends a lease whose cap is exceeded by it and other reservations, whose outcomes end nothing more', () => {
    const all = tower(below({ USD: 10 }), below({ USD: 100 }));
    const cousin = delegateTestRun(all.log, all.middle.grantId, below({ USD: 60 }));
    const held = act(all.log, cousin.grantId, 'file.read', { cost: { USD: 60 } });
    outcome(all, { USD: 1 }, { USD: 50 }, 'enforcer');
    expect(all.status()).toEqual(['suspended', 'suspended', 'exhausted']);
    all.log.do('settle', { actionId: held.actionId as string, outcome: { status: 'completed' } });
    expect(all.status()).toEqual(['suspended', 'suspended', 'exhausted']);
    expect(all.spent()[0]).toEqual({ USD: 110 });
  });

  it('allows a person to resume the suspended lease, which then denies the currency and permits other work', () => {
    const all = tower(below({ USD: 10 }));
    outcome(all, { USD: 1 }, { USD: 300 }, 'enforcer');
    expect(all.status()).toEqual(['suspended', 'suspended', 'exhausted']);
    for (const { grantId } of [all.top, all.middle])
      all.log.do('resume', { grantId, reasonCode: 'LOOKED', actor: { kind: 'person', id: 'key:ann' } });
    expect(act(all.log, all.middle.grantId, 'file.read', { cost: { USD: 1 } }).type).toBe('ActionDenied');
    expect(act(all.log, all.middle.grantId, 'file.read').type).toBe('ActionPermitted');
  });

  it('charges nothing for a currency that no lease names, and ends only the acting lease', () => {
    const all = tower(below({ USD: 10 }));
    const { data } = outcome(all, {}, { XXX: 5 }, 'enforcer');
    expect(data.findings).toEqual([{ code: 'CURRENCY_NOT_NAMED', currency: 'XXX', amount: 5 }]);
    expect(all.spent()).toEqual([{}, {}, {}]);
    expect(all.status()).toEqual([...LIVE, 'exhausted']);
  });

  it('ends an ancestor whose cap it reaches exactly', () => {
    const all = tower(below({ USD: 10 }));
    outcome(all, { USD: 1 }, { USD: 100 }, 'enforcer');
    expect(all.status()).toEqual(['exhausted', 'exhausted', 'exhausted']);
  });

  it('counts in a window of an ancestor, which denies until the window moves, and suspends nothing', () => {
    const root = { ...BASE, budget: { ...BASE.budget, windows: [{ per: '1h', cost: { USD: 40 } }] } };
    const all = tower(
      below({ USD: 10 }, { windows: [{ per: '1h', cost: { USD: 10 } }] }),
      below({ USD: 100 }, { windows: [{ per: '1h', cost: { USD: 40 } }] }),
      root,
    );
    outcome(all, { USD: 1 }, { USD: 50 }, 'enforcer');
    expect(all.status()).toEqual([...LIVE, 'exhausted']);
    expect(act(all.log, all.middle.grantId, 'file.read', { cost: { USD: 1 } }).type).toBe('ActionDenied');
    all.log.now += 2 * 3_600_000 - 3_600_000 + 60_000;
    expect(act(all.log, all.top.grantId, 'file.read').type).toBe('ActionDenied'); // the lease itself lasts an hour
  });
});

describe('I3: a descendant ends an ancestor only by an amount that it may spend', () => {
  const amount = fc.constantFrom(0, 1, 2, 5, 9, 10, 11, 99, 100, 101, 1e15);
  const cost = fc.dictionary(fc.constantFrom('USD', 'EUR', 'XXX', 'JPY'), amount, { maxKeys: 4 });
  const move = fc.record({ reserve: fc.nat(4), report: cost, failed: fc.boolean(), leave: fc.boolean() });

  it('charges ancestors no more than the caps of a child, whatever it reports with its own token', () => {
    let [ended, found] = [0, 0];
    const property = fc.property(
      fc.record({ USD: fc.constantFrom(0, 3, 10, 100), EUR: fc.constantFrom(0, 5) }),
      fc.array(fc.array(move, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }),
      (caps, rounds) => {
        const root = { ...BASE, budget: { ...counts, cost: { USD: 100, EUR: 20 } } };
        const { log, top, middle, leaf, status, spent } = tower(below(caps), below({ USD: 100, EUR: 20 }), root);
        for (const round of rounds) {
          const permits = round.map(({ reserve }) => act(log, leaf.grantId, 'file.read', { cost: { USD: reserve } }));
          round.forEach(({ report, failed, leave }, i) => {
            const permit = permits[i];
            if (permit?.type !== 'ActionPermitted' || leave) return;
            const outcome = { status: failed ? ('failed' as const) : ('completed' as const), cost: report };
            const actor = { kind: 'run', id: leaf.runId } as const;
            const [first] = log.do('settle', { actionId: permit.actionId as string, outcome, actor });
            if (first?.type === 'ActionCompleted' && first.data.findings) found += 1;
          });
          for (const grantId of [top.grantId, middle.grantId]) {
            const { usage } = log.state.grants.get(grantId) as NonNullable<ReturnType<typeof log.state.grants.get>>;
            for (const currency of ['USD', 'EUR', 'XXX', 'JPY'])
              expect((usage.committed.cost[currency] ?? 0) + (usage.reserved.cost[currency] ?? 0)).toBeLessThanOrEqual(
                (caps as Cost)[currency] ?? 0,
              );
          }
        }
        expect(log.events.filter(({ type }) => type === 'GrantSuspended')).toEqual([]);
        for (const [i, each] of status().slice(0, 2).entries())
          expect(each).toBe((spent()[i]?.USD ?? 0) === 100 ? 'exhausted' : 'active');
        if (status()[2] === 'exhausted') ended += 1;
      },
    );
    fc.assert(property, { numRuns: 300, seed: 20260404 });
    expect(Math.min(ended, found)).toBeGreaterThan(20);
  });
});
