import { digestOfLive } from '@bailiwick/authority/state/digest';
import { LIMITS } from '@bailiwick/core/limits';
import type { LogOwner } from '../log-owner/owner';

const DIGEST_STEPS = 100;

/**
 * Computes the digest of the state in steps, between which the owner decides. Returns null if decisions keep changing
 * the state, the state is too large, or the machine too busy: no decision waits for a digest.
 * @param now a monotonic clock, ms
 */
export async function liveDigest(
  owner: LogOwner,
  now: () => number = () => performance.now(),
): Promise<{ position: number; digest: string | null }> {
  const until = now() + LIMITS.digestMs;
  const made = await digestOfLive((step) => owner.read(step), {
    maxSteps: DIGEST_STEPS,
    isLate: () => now() >= until,
  });
  return made ?? owner.read((live) => ({ position: live.next, digest: null }));
}
