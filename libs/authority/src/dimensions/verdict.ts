import type { ReasonCode } from '@bailiwick/contracts/error-codes';
import type { DimensionName } from '@bailiwick/contracts/grants/grant';
import { err, ok, type Result } from '@bailiwick/core/result';
import type { Verdict, Violation } from './dimension';

export const PERMIT: Verdict = { outcome: 'permit', message: 'within the limit' };

/** Evidence for a message. It is stored in an event, so it is short: `shown()` cuts lists. */
type Evidence = { path?: string; limit?: unknown; actual?: unknown };
export const deny = (code: ReasonCode, message: string, evidence: Evidence = {}): Verdict => ({
  outcome: 'deny',
  code,
  message,
  ...evidence,
});
export const stepUp = (code: ReasonCode, message: string, evidence: Evidence = {}): Verdict => ({
  outcome: 'step-up',
  code,
  message,
  ...evidence,
});

/** Follows the message of a comparison that was given up. */
export const TOO_INTRICATE = 'the lists are too intricate to compare completely; name fewer or simpler ones';

/** Collects the places where a child is wider than its parent. */
export class Wider {
  private readonly violations: Violation[] = [];
  constructor(private readonly dimension: DimensionName) {}

  /** Records a violation unless `holds`. A value that cannot be compared (NaN, undefined) must make `holds` false. */
  unless(holds: boolean, path: string, child: unknown, parent: unknown, message: string): void {
    if (!holds) this.violations.push({ dimension: this.dimension, path, parent, child, message });
  }

  result(): Result<void, Violation[]> {
    return this.violations.length === 0 ? ok(undefined) : err(this.violations);
  }
}

/** The reasons of a refusal of limits that are wider than they may be. */
export const reasonsOf = (violations: readonly Violation[]) =>
  violations.map(({ dimension, message, path, parent, child }) => ({
    rule: dimension,
    outcome: 'deny' as const,
    code: 'WIDENS',
    message,
    path,
    limit: parent,
    actual: child,
  }));

/** Returns each value once, in code unit order. */
export const sorted = <T extends string>(values: readonly T[]): T[] => [...new Set(values)].sort();
