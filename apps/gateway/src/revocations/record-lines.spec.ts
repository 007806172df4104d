import type { RevocationRecord } from '@bailiwick/contracts/revocations/record';
import { writeRecord } from './record-lines';

const pageOf = (ids: string[], next: string | null) =>
  ({
    revocationId: 'rev',
    position: 7,
    counts: { grants: 3, runs: 3, inFlight: 0, pendingApprovals: 0, rows: 3 },
    consequences: ids.map((grantId) => ({ grantId })),
    next,
  }) as RevocationRecord;

describe('writeRecord', () => {
  it('writes every page in order, how far it is after each, and the revocation at the end', async () => {
    const lines: unknown[] = [];
    const asked: string[] = [];
    const rest: Record<string, RevocationRecord> = { x: pageOf(['b'], 'y'), y: pageOf(['c'], null) };
    const page = (after: string): Promise<RevocationRecord> => {
      asked.push(after);
      return Promise.resolve(rest[after] as RevocationRecord);
    };
    await writeRecord(pageOf(['a'], 'x'), page, (line) => lines.push(line));
    expect(asked).toEqual(['x', 'y']);
    expect(lines).toEqual([
      { item: { grantId: 'a' } },
      { progress: { done: 1, of: 3 } },
      { item: { grantId: 'b' } },
      { progress: { done: 2, of: 3 } },
      { item: { grantId: 'c' } },
      { progress: { done: 3, of: 3 } },
      {
        answer: {
          revocationId: 'rev',
          position: 7,
          counts: { grants: 3, runs: 3, inFlight: 0, pendingApprovals: 0, rows: 3 },
        },
      },
    ]);
  });
});
