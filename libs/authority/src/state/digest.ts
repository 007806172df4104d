import { createHash } from 'node:crypto';
import { canonicalize } from '@bailiwick/core/canonical';
import { linesOf } from './snapshot';
import type { LogState } from './state';

/** Lines per step of a digest of a live state; a step takes about ten milliseconds. */
export const DIGEST_LINES = 2_000;
const DIGEST_TRIES = 3;

/** Returns the digest of the folded state, which is equal on every fold of the same log (I10). */
export const stateDigest = (state: LogState): string => digestInSteps(state, Infinity).next().value as string;

/** Computes the same digest and yields after every `lines` lines. The state must not change until it is done. */
function* digestInSteps(state: LogState, lines: number): Generator<undefined, string> {
  const hash = createHash('sha256');
  let left = lines;
  for (const line of linesOf(state)) {
    hash.update(`${canonicalize(JSON.parse(JSON.stringify(line)))}\n`);
    left -= 1;
    if (left > 0) continue;
    yield undefined;
    left = lines;
  }
  return `sha256:${hash.digest('hex')}`;
}

export interface DigestAt {
  /** the number of events in the state */
  readonly position: number;
  /** `sha256:` and 64 hexadecimal digits */
  readonly digest: string;
}

/** When to give up; by default only after `DIGEST_TRIES` attempts during which the state changed. */
export interface DigestBounds {
  /** steps of one attempt, beyond which the state is too large */
  readonly maxSteps?: number;
  /** reports whether the caller has stopped waiting; called before each attempt and each step */
  readonly isLate?: () => boolean;
}

/**
 * Computes the digest of a state that others change, in steps of `DIGEST_LINES` lines. A change between two steps starts
 * it again. Returns undefined if every attempt meets a change or exceeds the bounds.
 * @param read runs one step on the present state, after other pending work
 */
export async function digestOfLive(
  read: <T>(step: (live: LogState) => T) => Promise<T>,
  { maxSteps = Infinity, isLate = () => false }: DigestBounds = {},
): Promise<DigestAt | undefined> {
  for (let tries = 0; tries < DIGEST_TRIES && !isLate(); tries++) {
    const started = await read((state) => {
      const steps = digestInSteps(state, DIGEST_LINES);
      return { state, position: state.next, steps, made: steps.next() };
    });
    const step = (live: LogState) =>
      live === started.state && live.next === started.position ? started.steps.next() : undefined;
    let made: ReturnType<typeof step> = started.made;
    for (let n = 0; made && n < maxSteps && !isLate(); n++) {
      if (made.done) return { position: started.position, digest: made.value };
      made = await read(step);
    }
  }
  return undefined;
}
