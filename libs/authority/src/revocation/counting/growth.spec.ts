import { growthOf, type Counted } from './growth';

const counted = (asOf: number, grants: number, byClass: Record<string, number>): Counted => ({
  asOf,
  byClass,
  counts: {
    grants,
    runs: grants,
    trees: 1,
    agents: 1,
    inFlight: 0,
    pendingApprovals: 0,
    pendingRuns: 0,
    reservedCost: {},
    reservedUnits: {},
  },
});

describe('growthOf', () => {
  it('states what was added and what ended since an earlier preview, and leaves out what is equal', () => {
    const growth = growthOf(counted(7, 4, { a: 3, b: 1, c: 0 }), counted(20, 6, { a: 5, d: 1 }));
    expect(growth).toMatchObject({ since: 7, counts: { grants: 2, runs: 2 } });
    expect({ ...growth.byClass }).toEqual({ a: 2, b: -1, d: 1 });
  });
});
