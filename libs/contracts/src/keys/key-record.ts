import type { CommandOf } from '../commands/command';
import type { KeyView } from './key';
import type { KeyChange } from './key-change';
import type { KeyRecording } from './key-recording';

/** The command that records a change. The same arguments give the same command, which an owner carries out once. */
export function recordOf(
  tenant: string,
  { commandId, actor: by, personRef }: KeyRecording,
  change: KeyChange['change'],
  { id, name, role, groups, expiresAt, overlapUntil }: KeyView,
): CommandOf<'recordKey'> {
  return {
    type: 'recordKey',
    log: `${tenant}/0`,
    commandId: `${commandId}_${change === 'revoked' ? 'r' : 'k'}${id.slice(-5)}`,
    actor: by,
    keyId: id,
    change,
    name,
    ...(role === undefined ? {} : { role }),
    ...(personRef === undefined ? {} : { personRef }),
    ...(groups === undefined ? {} : { groups }),
    ...(expiresAt === undefined ? {} : { expiresAt }),
    ...(change === 'rotated' && overlapUntil !== undefined ? { overlapUntil } : {}),
  };
}
