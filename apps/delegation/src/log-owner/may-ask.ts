import { OWN_COMMANDS, type Answer } from '@bailiwick/contracts/commands/command';

/** The service whose subject a command arrived on; the bus permits each service only its own. */
export type Asker = 'edge' | 'monitor';

/**
 * Reports whether a command may arrive on a subject. The edge submits commands of its callers, never of a part of the
 * system; the monitor submits drift reports under its own name. Commands that no subject accepts are the owner's own.
 */
export function mayAsk(from: Asker, command: unknown): boolean {
  const { type, actor } = (command ?? {}) as { type?: unknown; actor?: { kind?: unknown; id?: unknown } };
  if (OWN_COMMANDS.includes(type)) return false;
  const isSystem = actor?.kind === 'system';
  if (from === 'monitor') return type === 'recordDrift' && isSystem && actor.id === 'intent';
  return type !== 'recordDrift' && !isSystem;
}

export const NOT_HERE: Answer = {
  ok: false,
  refusal: { code: 'FORBIDDEN', detail: 'this subject does not accept this command from this actor' },
};
