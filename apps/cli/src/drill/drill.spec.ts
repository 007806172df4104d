import { drill, failuresOf, lastAnswer, type DrillPlan, type DrillReport } from './drill';
import { brokenMetrics, drillMetrics } from './drill-report';
import type { Sandbox } from './sandbox';

const point = { name: 'boundary-1', kind: 'boundary', afterMs: 46 } as const;
const MEASURED: Omit<DrillReport, 'failures'> = {
  tenant: 'drill',
  at: '2026-11-30T23:00:00.000Z',
  revocationId: 'rev',
  position: 8,
  grants: 52,
  trees: 4,
  permits: 400,
  denials: 500,
  acknowledgedMs: 70,
  lastPermitMs: -2,
  permitsAfter: 0,
  alive: 0,
  recordCompleteMs: 90,
  recorded: 52,
  enforcement: {
    log: 'drill/0',
    position: 8,
    confirmed: true,
    items: [{ ...point, state: 'enforces' }],
    next: null,
  },
};

describe('a drill', () => {
  it('passes if everything was measured and nothing was permitted after the acknowledgement', () => {
    expect(failuresOf(MEASURED, [])).toEqual([]);
  });

  it.each<[string, Partial<DrillReport>]>([
    ['1 permits came after', { permitsAfter: 1 }],
    ['2 of 52 grants were not denied', { alive: 2 }],
    ['nothing was permitted', { permits: 0 }],
    ['the record has 3 of 52', { recordCompleteMs: undefined, recorded: 3 }],
    [
      'not confirmed by boundary-1',
      { enforcement: { ...MEASURED.enforcement, confirmed: false, items: [{ ...point, state: 'silent' }] } },
    ],
  ])('fails if %s', (says, change) => {
    expect(failuresOf({ ...MEASURED, ...change }, [])).toEqual([expect.stringContaining(says)]);
  });

  it('fails if a request was not answered, since it may have been permitted', () => {
    expect(failuresOf(MEASURED, ['fetch failed'])).toEqual(['1 requests failed, the first with fetch failed']);
  });

  it('writes its result as metrics, in seconds', () => {
    const text = drillMetrics({ ...MEASURED, failures: [] });
    expect(text).toContain('bailiwick_drill_passed{tenant="drill"} 1\n');
    expect(text).toContain('bailiwick_drill_effect_seconds{tenant="drill"} 0.046\n');
    expect(drillMetrics({ ...MEASURED, failures: ['x'] })).toContain('bailiwick_drill_passed{tenant="drill"} 0\n');
  });

  it('has not passed if it broke off', () => {
    const text = brokenMetrics('drill', 1_000);
    expect(text).toContain('bailiwick_drill_passed{tenant="drill"} 0\n');
    expect(text).toContain('bailiwick_drill_timestamp_seconds{tenant="drill"} 1\n');
  });

  it('revokes what it has opened if it breaks off, and states why it did', async () => {
    const revoked: unknown[] = [];
    const client = {
      openRun: () => Promise.resolve({ grant: { id: 'grt_0_1' } }),
      delegate: () => Promise.reject(new Error('the gateway is gone')),
      revokeAll: (body: unknown) => (revoked.push(body), Promise.reject(new Error('still gone'))),
    };
    const sandbox = { orchestrator: client, responder: client } as unknown as Sandbox;
    const plan: DrillPlan = {
      tenant: 'drill',
      agentClass: 'drill-1',
      trees: 1,
      width: 1,
      depth: 1,
      workers: 1,
      loadMs: 1,
    };
    await expect(drill(sandbox, plan, () => undefined)).rejects.toThrow('the gateway is gone');
    expect(revoked).toEqual([{ selector: { agentClass: 'drill-1' }, reason: 'drill', force: true }]);
  });

  it('finds the last of any number of permits', () => {
    const permits = Array.from({ length: 300_000 }, (_, n) => ({ position: n, askedAt: n, answeredAt: n }));
    expect(lastAnswer(permits)).toBe(299_999);
  });
});
