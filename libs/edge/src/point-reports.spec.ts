import type { LogReport, PointReport } from '@bailiwick/contracts/enforcement/report';
import { LIMITS } from '@bailiwick/core/limits';
import { PointIdentity, readReport, withinReport } from './point-reports';

const MOST = Number.MAX_SAFE_INTEGER;
const revocationId = (n: number): string => `rev_zzzz_${String(n).padStart(26, '0')}`;
const log = (n: number, aborts: number): LogReport => ({
  log: `${'t'.repeat(63)}/${999_999 - n}`,
  epoch: MOST,
  hears: false,
  inFlight: MOST,
  aborted: Array.from({ length: aborts }, (_, i) => ({ revocationId: revocationId(i), calls: MOST })),
});
const report = (logs: LogReport[]): PointReport => ({
  kind: 'boundary',
  process: '\u0001'.repeat(200),
  sequence: MOST,
  boundMs: MOST,
  stopping: false,
  logs,
});
const all = Array.from({ length: LIMITS.pointLogs }, (_, n) => log(n, LIMITS.abortsReported));

describe('withinReport', () => {
  it('keeps the largest report within what its reader takes', () => {
    const point = new PointIdentity('boundary');
    expect(readReport(point.sign(report(all)))).toBeUndefined();
    const sent = report(withinReport(all));
    expect(readReport(point.sign(sent))).toEqual({ ...sent, name: point.name });
    expect(sent.logs).toHaveLength(LIMITS.pointLogs);
  });

  it('keeps the newest aborts of each log, and all of them if they are few', () => {
    expect(withinReport(all)[0]?.aborted.at(-1)).toEqual(all[0]?.aborted.at(-1));
    expect(withinReport(all.slice(0, 2))).toEqual(all.slice(0, 2));
  });
});
