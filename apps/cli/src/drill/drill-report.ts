import { effectText, isPending, ms } from '../effect-text';
import { bold, dim, green, plain, red } from '../render';
import type { DrillReport } from './drill';

/** Describes a drill for a person. */
export function drillText(report: DrillReport): string {
  const { grants, trees, permits, denials, acknowledgedMs, lastPermitMs, permitsAfter, recordCompleteMs } = report;
  const last = `answered ${ms(Math.abs(lastPermitMs))} ${lastPermitMs <= 0 ? 'before' : 'after'} the acknowledgement`;
  const rows = [
    ['revoked', `${grants} grants in ${trees} trees, by one event at position ${report.position}`],
    ['under load', `${permits} permits, ${denials} denials`],
    ['acknowledged', `in ${ms(acknowledgedMs)}`],
    ['last permit', permitsAfter === 0 ? `${last}, decided before the revocation` : last],
    ['permits after', permitsAfter === 0 ? 'none' : red(String(permitsAfter))],
    [
      'record complete',
      recordCompleteMs === undefined ? red('no') : `${ms(recordCompleteMs)} after the acknowledgement`,
    ],
  ];
  return [
    ...rows.map(([name = '', value = '']) => `${dim(name.padEnd(17))}${value}`),
    '',
    effectText(report.enforcement),
    '',
    ...(report.failures.length === 0
      ? [green(bold('drill passed'))]
      : [red(bold('DRILL FAILED')), ...report.failures.map((each) => `${red('✗')} ${plain(each)}`)]),
  ].join('\n');
}

/** Formats a drill that broke off: nothing was measured, and it has not passed. */
export const brokenMetrics = (tenant: string, at: number): string =>
  formatted(tenant, [
    [...PASSED, 0],
    [...ENDED, at / 1_000],
  ]);

/** Formats a drill for the textfile collector of the Prometheus node exporter. Times are s. */
export function drillMetrics(report: DrillReport): string {
  const { enforcement, acknowledgedMs, lastPermitMs, recordCompleteMs, permitsAfter, failures } = report;
  const effect = Math.max(0, ...enforcement.items.map(({ afterMs = 0 }) => afterMs));
  return formatted(report.tenant, [
    [...PASSED, failures.length === 0 ? 1 : 0],
    [...ENDED, Date.parse(report.at) / 1_000],
    [
      'bailiwick_drill_acknowledged_seconds',
      'From the request of the revocation to its answer',
      acknowledgedMs / 1_000,
    ],
    [
      'bailiwick_drill_last_permit_seconds',
      'Answer of the last permit, after the acknowledgement',
      lastPermitMs / 1_000,
    ],
    ['bailiwick_drill_permits_after', 'Permits after the acknowledgement', permitsAfter],
    ['bailiwick_drill_effect_seconds', 'Until the slowest enforcement point had confirmed', effect / 1_000],
    [
      'bailiwick_drill_points_unconfirmed',
      'Enforcement points that did not confirm',
      enforcement.items.filter(isPending).length,
    ],
    [
      'bailiwick_drill_record_seconds',
      'Until the record named every grant',
      recordCompleteMs && recordCompleteMs / 1_000,
    ],
  ]);
}

type Metric = readonly [name: string, help: string, value: number | undefined];
const PASSED = ['bailiwick_drill_passed', '1 if the last drill passed'] as const;
const ENDED = ['bailiwick_drill_timestamp_seconds', 'When the last drill ended'] as const;

function formatted(tenant: string, metrics: readonly Metric[]): string {
  const labels = `{tenant="${tenant}"}`;
  return metrics
    .flatMap(([name, help, value]) =>
      value === undefined ? [] : [`# HELP ${name} ${help}`, `# TYPE ${name} gauge`, `${name}${labels} ${value}`],
    )
    .map((line) => `${line}\n`)
    .join('');
}
