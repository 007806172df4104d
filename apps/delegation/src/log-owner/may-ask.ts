import { BOUNDARY, OWN_COMMANDS, type Answer } from '@bailiwick/contracts/commands/command';

/** The service whose subject a command arrived on; the bus permits each service only its own. */
export type Asker = 'edge' | 'monitor' | 'boundary';

/**
 * Reports whether a command may arrive on a subject. The edge submits commands of its callers, never of a part of the
 * system; the monitor submits drift reports under its own name; the boundary submits calls and their outcomes as the
 * enforcement point that it is. Commands that no subject accepts are the owner's own.
 */
export function mayAsk(from: Asker, command: unknown): boolean {
  const { type, actor } = (command ?? {}) as { type?: unknown; actor?: { kind?: unknown; id?: unknown } };
  if (OWN_COMMANDS.includes(type)) return false;
  const isSystem = actor?.kind === 'system';
  const isBoundary = actor?.kind === 'service' && actor.id === BOUNDARY.id;
  if (from === 'monitor') return type === 'recordDrift' && isSystem && actor.id === 'intent';
  if (from === 'boundary') return isBoundary && (type === 'authorize' || type === 'settle');
  return type !== 'recordDrift' && !isSystem && !isBoundary;
}

/** The queries of an enforcement point: what a run may do, which leases live, the policy, and the use of DPoP proofs. */
const CALL_QUERIES: ReadonlySet<unknown> = new Set(['permissions', 'grant', 'live', 'policy', 'proof']);
export const mayQuery = (query: unknown): boolean => CALL_QUERIES.has((query as { op?: unknown } | null)?.op);

export const NOT_HERE: Answer = {
  ok: false,
  refusal: { code: 'FORBIDDEN', detail: 'this subject does not accept this command from this actor' },
};
