import { canonicalize } from '@bailiwick/core/canonical';
import { sha256 } from '@bailiwick/core/digest';
import type { CommandOf } from '../commands/command';
import type { ClientJwks } from './client-keys';
import type { KeyView } from './key';
import type { KeyChange } from './key-change';
import type { KeyRecording } from './key-recording';

/** The command that records a change. The same arguments give the same command, which an owner carries out once. */
export function recordOf(
  tenant: string,
  { commandId, actor: by, personRef }: KeyRecording,
  change: KeyChange['change'],
  { id, name, role, groups, jwks, expiresAt, overlapUntil }: KeyView,
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
    ...(jwks === undefined ? {} : { jkts: jwks.keys.map(thumbprintOf) }),
    ...(change === 'rotated' && overlapUntil !== undefined ? { overlapUntil } : {}),
  };
}

/** The members that a thumbprint is of, by type of key (RFC 7638 section 3.2, RFC 8037 appendix A.3). */
const OF_THUMBPRINT = { EC: ['crv', 'kty', 'x', 'y'], OKP: ['crv', 'kty', 'x'], RSA: ['e', 'kty', 'n'] } as const;

/** Returns the SHA-256 thumbprint of a public key in base64url (RFC 7638). */
function thumbprintOf(jwk: ClientJwks['keys'][number]): string {
  const members: Readonly<Record<string, unknown>> = jwk;
  const required = OF_THUMBPRINT[jwk.kty].map((name) => [name, members[name]]);
  return sha256(canonicalize(Object.fromEntries(required))).toString('base64url');
}
