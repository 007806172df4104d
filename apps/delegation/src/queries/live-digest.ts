import { digestInSteps } from '@bailiwick/authority/state/snapshot';
import type { LogState } from '@bailiwick/authority/state/state';
import type { LogOwner } from '../log-owner/owner';

/** lines of one step, which take some ten milliseconds */
const DIGEST_LINES = 2_000;
const DIGEST_STEPS = 100;
const DIGEST_TRIES = 3;
/** whoever asks waits for five seconds, and is to hear at least that there is no digest */
const DIGEST_MS = 2_500;

/**
 * In steps between which decisions are made; given up, with null, where they change the state meanwhile again and again,
 * or it is too large, or the machine too busy: nobody's decision waits for a digest.
 * @param now a clock that only goes forward, ms
 */
export async function liveDigest(
  owner: LogOwner,
  now: () => number = () => performance.now(),
): Promise<{ position: number; digest: string | null }> {
  const until = now() + DIGEST_MS;
  for (let tries = 0; tries < DIGEST_TRIES && now() < until; tries++) {
    const begun = await owner.read((state) => {
      const steps = digestInSteps(state, DIGEST_LINES);
      return { state, position: state.next, steps, made: steps.next() };
    });
    const step = (live: LogState) =>
      live === begun.state && live.next === begun.position ? begun.steps.next() : undefined;
    let made: ReturnType<typeof step> = begun.made;
    for (let n = 0; made && n < DIGEST_STEPS && now() < until; n++) {
      if (made.done) return { position: begun.position, digest: made.value };
      made = await owner.read(step);
    }
  }
  return owner.read((live) => ({ position: live.next, digest: null }));
}
