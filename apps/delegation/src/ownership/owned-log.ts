import type { Clock } from '@bailiwick/core/clock';
import type { Fence } from '@bailiwick/event-store/port';
import type { Erasing } from '../erasure/erasing';
import type { LogOwner } from '../log-owner/owner';

/** A log whose lease this process holds. */
export interface OwnedLog {
  readonly log: string;
  readonly owner: LogOwner;
  readonly erasing: Erasing;
  readonly fence: Fence;
  /** the store's clock as known to this process */
  readonly storeClock: Clock;
  /** when this process started to own it, after its lease was acquired; ms */
  readonly since: number;
}
