import { LIMITS } from '@bailiwick/core/limits';
import type { CoolDown, LogState } from '../state/state';

/*
 * Denials by a person for which the policy states how long they apply. They are kept apart from their trees, which may
 * be forgotten earlier.
 */

/** Remembers a denial. The map is in the order of the denials. */
export function coolDown({ coolDowns }: LogState, asks: string, denial: CoolDown): void {
  coolDowns.delete(asks);
  coolDowns.set(asks, denial);
  if (coolDowns.size <= LIMITS.coolDowns) return;
  const [oldest] = coolDowns.keys();
  if (oldest !== undefined) coolDowns.delete(oldest);
}

/** Forgets the denials that do not apply any more. */
export function forgetCoolDowns({ coolDowns }: LogState, now: number): void {
  if (coolDowns.size === 0) return;
  for (const [asks, { until }] of coolDowns) if (until <= now) coolDowns.delete(asks);
}
