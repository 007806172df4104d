import { remembered, rememberedLast } from '@bailiwick/core/memo';
import { isGlob, matchesFoldedGlob } from './glob';
import { covers, folded, foldedLetters, type Work } from './inclusion';
import { nameOf, pathOf, type Path } from './name-forms';
import { matchesSegments } from './pattern';

/** Returns a normalized exception as it is compared. */
const foldedPath: (pattern: string) => Path = remembered((pattern) => {
  const { form, segments } = pathOf(pattern);
  const tokens = segments.map(folded);
  return { form, segments: tokens, hasGlobs: tokens.some(isGlob) };
}, 10_000);

const foldedName = rememberedLast((id) => {
  const { form, segments } = nameOf(id);
  return { form, spelled: segments, segments: segments.map(folded) };
});

/**
 * Reports whether one of these exceptions leaves out a name: compared without regard to case, compatibility forms, and dots
 * and spaces at the end of a segment. All must be normalized. An exception leaves out names of the same form only.
 */
export function isLeftOut(exceptions: readonly string[], id: string): boolean {
  const { form, spelled, segments } = foldedName(id);
  return exceptions.some((each) => {
    const exception = foldedPath(each);
    if (exception.form !== form) return false;
    if (!exception.hasGlobs) return matchesSegments(exception.segments, segments);
    return matchesSegments(
      exception.segments,
      segments,
      (token, at) => isGlob(token) && matchesFoldedGlob(token, foldedLetters(spelled[at] as string)),
    );
  });
}

const EVERY_NAME = ['**'];

/** Reports whether every name that a pattern leaves out is left out by one of others, compared as exceptions are. */
export function leaveOutAll(others: readonly string[], pattern: string, work?: Work): boolean {
  const { form, segments } = pathOf(pattern);
  const near = others.map(pathOf).filter((each) => each.form === form);
  const child = { match: EVERY_NAME, except: near.map((each) => each.segments) };
  return covers([{ match: EVERY_NAME, except: [segments] }], child, work);
}
