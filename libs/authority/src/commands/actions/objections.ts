import type { Reason } from '@bailiwick/contracts/reason';
import { RISKS } from '@bailiwick/contracts/grants/grant';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';

/*
 * The objections that a person is asked to overrule, as a set: one key for each, independent of its text. An approval
 * covers the set that its card showed, and no later objection (I8).
 *
 * A key is `rule:code@grant#path`, with its subject, and a level if the objection can become worse: `~3`.
 */

/** Returns the keys of all objections that need a person, sorted, each once. */
export function objectionsIn(reasons: readonly Reason[], grantId?: string): string[] {
  return [...new Set(reasons.flatMap((reason) => keysOf(reason, grantId)))].sort();
}

function keysOf(reason: Reason, above: string | undefined): string[] {
  const grantId = reason.grantId ?? above;
  if (reason.reasons && reason.reasons.length > 0) return objectionsIn(reason.reasons, grantId);
  if (reason.outcome !== 'step-up') return [];
  return [`${reason.rule}:${reason.code ?? ''}@${grantId ?? ''}#${reason.path ?? ''}${worse(reason.actual)}`];
}

/** Returns the level of a tier or a number, which can become worse. Other values make the same or another objection. */
function worse(actual: unknown): string {
  const tier = RISKS.indexOf(actual as (typeof RISKS)[number]);
  if (tier >= 0) return `~${tier}`;
  if (typeof actual === 'number') return `~${Math.ceil(actual * 10)}`;
  return actual === undefined ? '' : `=${canonicalDigest(actual).slice('sha256:'.length, 23)}`;
}

/** Returns the set as an event keeps it, bounded: a digest of each key if the set is long. */
export function kept(objections: readonly string[]): string[] {
  return JSON.stringify(objections).length <= LIMITS.objectionsChars ? [...objections] : objections.map(short);
}

/**
 * Returns the current objections that the card did not show: all of them for an older log, which does not record its
 * cards.
 */
export function notShown(shown: readonly string[] | undefined, today: readonly string[]): string[] {
  const levels = new Map<string, number>();
  for (const each of shown ?? []) {
    const { base, level } = split(each);
    levels.set(base, Math.max(level, levels.get(base) ?? 0));
  }
  return today.filter((each) => {
    const { base, level } = split(each);
    const seen = levels.get(base) ?? levels.get(split(short(each)).base);
    return seen === undefined || level > seen;
  });
}

function split(key: string): { base: string; level: number } {
  const [, base = key, level = '0'] = /^(.*)~(\d+)$/.exec(key) ?? [];
  return { base, level: Number(level) };
}

/** Returns 128 bits of a key; its level remains legible. */
function short(key: string): string {
  const { base, level } = split(key);
  return `${canonicalDigest(base).slice('sha256:'.length, 39)}~${level}`;
}
