import type { Obligation } from '@bailiwick/contracts/obligations/obligation';
import { obligationText } from '@bailiwick/contracts/obligations/obligation-text';
import { clip, sentence } from '../presentation/text';
import { fulfills } from './combine';

/** Describes how the obligations of a permit differ, in one sentence; undefined if they do not. */
export function obligationsChanged(before: readonly Obligation[], after: readonly Obligation[]): string | undefined {
  const added = beyond(after, before);
  const gone = beyond(before, after);
  if (added.length + gone.length === 0) return undefined;
  return clip(
    sentence([
      ...(added.length > 0 ? [`the enforcement point would have to ${added.join(', ')}`] : []),
      ...(gone.length > 0 ? [`it would no longer have to ${gone.join(', ')}`] : []),
    ]),
    400,
  );
}

const beyond = (all: readonly Obligation[], others: readonly Obligation[]): string[] =>
  all.filter((each) => !others.some((other) => fulfills(other, each))).map(obligationText);
