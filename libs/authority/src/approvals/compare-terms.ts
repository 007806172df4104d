import type { Approvers } from '@bailiwick/contracts/policy/approval-rule';
import { LIMITS } from '@bailiwick/core/limits';
import { formatDuration } from '@bailiwick/core/duration';
import { personOf } from '@bailiwick/core/same-person';
import { whoMay, type Terms } from './terms';

/** One respect in which two terms differ. */
export interface TermsChange {
  /** for people: `2 different people must approve instead of 1` */
  readonly says: string;
  /** milder: an approval is given more easily, or covers more */
  readonly direction: 'milder' | 'mixed' | 'stricter';
}

/** Compares how requests may be answered, whatever the rules are called; undefined: no person may approve. */
export function compareTerms(before: Terms | undefined, after: Terms | undefined): TermsChange[] {
  if (before === undefined || after === undefined) {
    if (before === after) return [];
    return after === undefined
      ? [{ says: 'no person may approve it', direction: 'stricter' }]
      : [{ says: `${whoMay(after)} may approve it, and no person before`, direction: 'milder' }];
  }
  const ms = (of: number | undefined, otherwise: number): number => of ?? otherwise;
  const { approvalMs, refusalAppliesMs } = LIMITS;
  const times: [number, number] = [ms(before.expiresMs, approvalMs), ms(after.expiresMs, approvalMs)];
  const pauses: [number, number] = [ms(before.coolDownMs, refusalAppliesMs), ms(after.coolDownMs, refusalAppliesMs)];
  return [
    who('approved', [before.by, EACH], [after.by, EACH]),
    amount([before.needed, after.needed], (of) => `${people(of)} must approve`, 'stricter'),
    amount([before.denials, after.denials], (of) => `${people(of)} must deny`, 'milder'),
    fourEyes(before.fourEyes, after.fourEyes),
    scopes(before.scopes, after.scopes),
    amount(times, (of) => `it waits ${formatDuration(of)}`, 'milder'),
    amount(pauses, (of) => `it is refused for ${formatDuration(of)} after a denial`, 'stricter'),
    who('approved in an emergency', [before.breakGlass, NO_ONE], [after.breakGlass, NO_ONE]),
  ].flatMap((each) => each ?? []);
}

const people = (count: number): string => (count === 1 ? 'one person' : `${count} different people`);

function amount(
  [was, is]: readonly [number, number],
  says: (of: number) => string,
  ifMore: 'milder' | 'stricter',
): TermsChange | undefined {
  if (was === is) return undefined;
  const less = ifMore === 'milder' ? 'stricter' : 'milder';
  return { says: `${says(is)}; before: ${says(was)}`, direction: is > was ? ifMore : less };
}

function fourEyes(was: boolean, is: boolean): TermsChange | undefined {
  if (was === is) return undefined;
  return is
    ? { says: 'who approved the lease may not approve this', direction: 'stricter' }
    : { says: 'who approved the lease may approve this as well', direction: 'milder' };
}

function scopes(was: readonly string[], is: readonly string[]): TermsChange | undefined {
  const direction = compareSets(new Set(was), new Set(is));
  return direction && { says: `one approval covers ${is.join(' or ')}; before: ${was.join(' or ')}`, direction };
}

/** Names without a list: each approver, or no person. */
const EACH = 'each';
const NO_ONE = 'no person';
type Named = readonly [by: Approvers | undefined, otherwise: typeof EACH | typeof NO_ONE];

function who(what: string, was: Named, is: Named): TermsChange | undefined {
  const direction = directionOf(was, is);
  return direction && { says: `it is ${what} by ${textOf(is)}; before: ${textOf(was)}`, direction };
}

const textOf = ([by, otherwise]: Named): string =>
  by === undefined && otherwise === NO_ONE ? 'no person' : whoMay({ by, needed: 1 });

function directionOf([was, otherwise]: Named, [is]: Named): TermsChange['direction'] | undefined {
  if (was !== undefined && is !== undefined) return compareSets(keysOf(was), keysOf(is));
  if (was === is) return undefined;
  const isWider = otherwise === EACH ? is === undefined : is !== undefined;
  return isWider ? 'milder' : 'stricter';
}

function keysOf({ people = [], groups = [], roles = [] }: Approvers): ReadonlySet<string> {
  return new Set([
    ...people.map((each) => `person ${personOf(each)}`),
    ...groups.map((each) => `group ${each}`),
    ...roles.map((each) => `role ${each}`),
  ]);
}

function compareSets(was: ReadonlySet<string>, is: ReadonlySet<string>): TermsChange['direction'] | undefined {
  const [more, less] = [[...is].some((each) => !was.has(each)), [...was].some((each) => !is.has(each))];
  return more ? (less ? 'mixed' : 'milder') : less ? 'stricter' : undefined;
}
