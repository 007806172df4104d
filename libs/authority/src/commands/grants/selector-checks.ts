import type { Condition } from '@bailiwick/contracts/grants/grant';
import { lookAlikeFault } from '@bailiwick/core/look-alike';
import { covers, folded, overlaps } from '../../matching/inclusion';
import { foreignInName } from '../../matching/foreign-syntax';
import { pathOf } from '../../matching/name-forms';
import { clip } from '../../presentation/text';

const textsIn = (values: readonly unknown[]): string[] => values.flat().filter((value) => typeof value === 'string');

/** Returns the texts that a condition names to admit them. */
export const admittedTexts = ({ eq, in: among, prefix, suffix, any, all }: Condition): string[] =>
  textsIn([eq, among, prefix, suffix, any, all]);

/** Returns the texts that a condition names to exclude them. */
export const excludedTexts = ({ ne, notIn, none }: Condition): string[] => textsIn([ne, notIn, none]);

/** Checks a text that is excluded: a near miss admits what its author meant to leave out. */
export const wrongInExcluded = (text: string): string | undefined =>
  foreignInName(text) ??
  (text !== text.trim() || /\p{Cf}/u.test(text)
    ? 'has a space at its start or end, or an invisible character'
    : undefined) ??
  lookAlikeFault(text);

/**
 * Checks that exceptions leave out a part of a selector: each something, and all of them not everything.
 * @param inherited exceptions of the parent, which a child may repeat for a narrower pattern
 * @returns the fault of each exception, at its index
 */
export function exceptionFaults(
  except: readonly string[],
  match: string,
  inherited: ReadonlySet<string>,
): (string | undefined)[] {
  const { form, segments: all } = pathOf(match);
  const left = except.map(pathOf);
  const own = left.filter((each) => each.form === form).map(({ segments }) => segments);
  const nothingIsLeft = covers([], { match: all, except: own });
  return left.map((each, i) => {
    if (nothingIsLeft)
      return `leaves out all of ${clip(match)}${left.length > 1 ? ', with the others' : ''}; remove the selector`;
    const leavesOutSome =
      inherited.has(except[i] as string) ||
      (each.form === form && overlaps(each.segments.map(folded), all.map(folded)));
    return leavesOutSome
      ? lookAlikeFault(except[i] as string)
      : `leaves out nothing of ${clip(match)}; write a pattern of what it covers`;
  });
}
