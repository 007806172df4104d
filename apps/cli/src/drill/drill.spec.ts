import { failuresOf, type DrillReport } from './drill';
import { drillMetrics } from './drill-report';

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
});
