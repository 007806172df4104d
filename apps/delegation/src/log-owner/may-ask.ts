import { OWN_COMMANDS, type Answer } from '@bailiwick/contracts/command';

/** Whose subject a command came in on: the bus lets each service speak on its own only. */
export type Asker = 'edge' | 'monitor';

/**
 * The edge speaks for its callers, never for a part of the system; the monitor reports drift, as itself, and nothing
 * else. What no subject takes, an owner makes itself.
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
  refusal: { code: 'FORBIDDEN', detail: 'this subject takes no such command from this actor' },
};
