import fc from 'fast-check';
import { flowOf } from '../../apps/console/src/pages/run/flow';
import { blocksOf, layOut, TONES, type Lease } from '../../apps/console/src/pages/run/tree-layout';

/** Trees as lists: each lease is below one that is listed before it, or below none. */
const trees = fc.array(fc.tuple(fc.nat(), fc.constantFrom(...TONES)), { minLength: 1, maxLength: 60 }).map((parts) =>
  parts.map(([parent, tone], at): Lease => {
    const above = parent % (at + 1);
    return { id: String(at), tone, ...(above === at ? {} : { parentId: String(above) }) };
  }),
);

describe('layOut', () => {
  it('places each lease once, below no other of its level, and inside the rows of its parent', () => {
    fc.assert(
      fc.property(trees, (leases) => {
        const { columns, rows } = layOut(leases);
        const places = new Map<string, { level: number; top: number; end: number }>();
        for (const [level, { lease, top, rows: heights }] of columns.entries()) {
          let end = 0;
          for (const [at, each] of lease.entries()) {
            const place = { level, top: top[at] as number, end: (top[at] as number) + (heights[at] as number) };
            expect(place.top).toBeGreaterThanOrEqual(end);
            end = place.end;
            expect(place.end).toBeLessThanOrEqual(rows);
            places.set((leases[each] as Lease).id, place);
          }
        }
        expect(places.size).toBe(leases.length);
        for (const { id, parentId } of leases) {
          if (parentId === undefined) continue;
          const [child, parent] = [places.get(id), places.get(parentId)];
          expect(child?.level).toBe((parent?.level ?? NaN) + 1);
          expect(child?.top).toBeGreaterThanOrEqual(parent?.top ?? NaN);
          expect(child?.end).toBeLessThanOrEqual(parent?.end ?? NaN);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('puts small leases together without losing one, in no more blocks than there is room for', () => {
    fc.assert(
      fc.property(trees, fc.integer({ min: 1, max: 20 }), (leases, smallest) => {
        const layout = layOut(leases);
        const blocks = layout.columns.flatMap((_, column) => blocksOf(layout, column, 0, layout.rows, smallest));
        expect(blocks.reduce((sum, { count }) => sum + count, 0)).toBe(leases.length);
        for (const [at, tone] of TONES.entries())
          expect(blocks.reduce((sum, { tones }) => sum + (tones[at] as number), 0)).toBe(
            leases.filter((lease) => lease.tone === tone).length,
          );
        for (const [column] of layout.columns.entries())
          expect(blocks.filter((block) => block.column === column).length).toBeLessThanOrEqual(
            (2 * layout.rows) / smallest + 1,
          );
      }),
      { numRuns: 60 },
    );
  });

  it('draws a lease whose parent has not been read as a root', () => {
    const { columns } = layOut([{ id: 'b', parentId: 'a', tone: 'good' }]);
    expect(columns).toHaveLength(1);
  });
});

describe('flowOf', () => {
  it('lists the calls that values flow between, each with what it uses, and keeps overlapping arcs apart', () => {
    const call = (id: string, position: number) => ({ id, kind: 'action' as const, label: `verb.${id}`, position });
    const flow = flowOf(
      {
        nodes: [call('c', 3), call('a', 1), call('b', 2), call('x', 4), { id: 'run', kind: 'run', label: 'reader' }],
        edges: [
          { from: 'run', to: 'a', kind: 'asked' },
          { from: 'a', to: 'c', kind: 'data', values: 2 },
          { from: 'a', to: 'b', kind: 'data' },
          { from: 'b', to: 'c', kind: 'then' },
        ],
      },
      6,
    );
    expect(flow.steps.map(({ id, agent, uses }) => [id, agent, uses])).toEqual([
      ['a', 'reader', []],
      ['b', undefined, [{ from: 0, values: 1, lane: 0 }]],
      ['c', undefined, [{ from: 0, values: 2, lane: 1 }]],
    ]);
    expect(flow.lanes).toBe(2);
  });
});
