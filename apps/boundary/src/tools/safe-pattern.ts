import { RE2JS } from 're2js';
import { BOUNDARY_LIMITS } from '../boundary-limits';

/**
 * A regular expression of a schema, matched in time linear in the length of the text. The validator distinguishes patterns
 * by `toString`; without it every pattern would be the first one.
 */
class SafePattern {
  private readonly compiled: RE2JS;

  constructor(private readonly source: string) {
    if (source.length > BOUNDARY_LIMITS.patternChars) throw new Error('a pattern of the schema is too long');
    this.compiled = RE2JS.compile(RE2JS.translateRegExp(source));
  }

  test(text: string): boolean {
    return this.compiled.matcher(text).find();
  }

  toString(): string {
    return `/${this.source}/`;
  }
}

/** The engine of the validator. @throws Error for a pattern that only a backtracking engine can match */
export const safePattern = Object.assign((source: string): SafePattern => new SafePattern(source), {
  code: 'new RegExp',
});
