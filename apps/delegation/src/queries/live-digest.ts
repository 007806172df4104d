import { digestInSteps } from '@bailiwick/authority/state/snapshot';
import type { LogState } from '@bailiwick/authority/state/state';
import type { LogOwner } from '../log-owner/owner';

/** Lines per step; a step takes about ten milliseconds. */
const DIGEST_LINES = 2_000;
const DIGEST_STEPS = 100;
const DIGEST_TRIES = 3;
/** The caller waits five seconds; a response without a digest must arrive before. */
const DIGEST_MS = 2_500;

/**
 * Computes the digest of the state in steps, between which the owner decides. Returns null if decisions keep changing
 * the state, the state is too large, or the machine too busy: no decision waits for a digest.
 * @param now a monotonic clock, ms
 */
export async function liveDigest(
  owner: LogOwner,
  now: () => number = () => performance.now(),
): Promise<{ position: number; digest: string | null }> {
  const until = now() + DIGEST_MS;
  for (let tries = 0; tries < DIGEST_TRIES && now() < until; tries++) {
    const started = await owner.read((state) => {
      const steps = digestInSteps(state, DIGEST_LINES);
      return { state, position: state.next, steps, made: steps.next() };
    });
    const step = (live: LogState) =>
      live === started.state && live.next === started.position ? started.steps.next() : undefined;
    let made: ReturnType<typeof step> = started.made;
    for (let n = 0; made && n < DIGEST_STEPS && now() < until; n++) {
      if (made.done) return { position: started.position, digest: made.value };
      made = await owner.read(step);
    }
  }
  return owner.read((live) => ({ position: live.next, digest: null }));
}
