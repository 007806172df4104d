import type { LogEvent } from '../../api/live-events';

/** What a person looks for in the past of a tree. */
export const KINDS = ['denial', 'approval', 'revocation'] as const;
export type Kind = (typeof KINDS)[number];

const KIND_OF: Readonly<Record<string, Kind>> = {
  ActionDenied: 'denial',
  DelegationRefused: 'denial',
  ActionStepUp: 'approval',
  AccessRequested: 'approval',
  ApprovalRequested: 'approval',
  ApprovalAnswered: 'approval',
  ApprovalGiven: 'approval',
  ApprovalExpired: 'approval',
  ApprovalWithdrawn: 'approval',
  GrantRevoked: 'revocation',
  GrantSuspended: 'revocation',
  RevocationRuleAdded: 'revocation',
};

export const kindOf = ({ type }: Pick<LogEvent, 'type'>): Kind | undefined => KIND_OF[type];

/**
 * The place of the nearest event before (`step` -1) or after (1) a place that is wanted.
 * @returns undefined if there is none
 */
export function nearest<T>(
  events: readonly T[],
  from: number,
  step: 1 | -1,
  isWanted: (event: T) => boolean,
): number | undefined {
  for (let at = from + step; at >= 0 && at < events.length; at += step) {
    const event = events[at];
    if (event !== undefined && isWanted(event)) return at;
  }
  return undefined;
}

/** The place of the last event that is not after a position; the first one if all are. */
export function placeAt(events: readonly { readonly position: number }[], position: number): number {
  const after = events.findIndex((event) => event.position > position);
  return after < 0 ? Math.max(0, events.length - 1) : Math.max(0, after - 1);
}
