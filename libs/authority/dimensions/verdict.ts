import type { ReasonCode } from '#contracts/codes';
import type { DimensionName } from '#contracts/grant';
import { err, ok, type Result } from '#kernel/result';
import type { Verdict, Violation } from '../dimension';

export const PERMIT: Verdict = { outcome: 'permit', message: 'within the limit' };

type More = { path?: string; limit?: unknown; actual?: unknown };
export const deny = (code: ReasonCode, message: string, more: More = {}): Verdict => ({ outcome: 'deny', code, message, ...more });
export const stepUp = (code: ReasonCode, message: string, more: More = {}): Verdict => ({ outcome: 'step-up', code, message, ...more });

/** Collects where a child is wider. */
export class Wider {
  private readonly violations: Violation[] = [];
  constructor(private readonly dimension: DimensionName) {}

  unless(holds: boolean, path: string, child: unknown, parent: unknown, message: string): void {
    if (!holds) this.violations.push({ dimension: this.dimension, path, parent, child, message });
  }

  result(): Result<void, Violation[]> {
    return this.violations.length === 0 ? ok(undefined) : err(this.violations);
  }
}

export const sorted = <T extends string>(values: readonly T[]): T[] => [...new Set(values)].sort();
