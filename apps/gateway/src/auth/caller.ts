import type { Actor } from '@bailiwick/contracts/events/event';
import { digestOf, type ApiKeys, type Role } from './api-keys';
import { Refused } from '../http/problems/problem';
import type { GrantTokens, TokenClaims } from './grant-tokens';

/** The sender of a request: the holder of an API key, or a run with its grant token. */
export type Caller =
  | { readonly kind: 'key'; readonly tenant: string; readonly role: Role; readonly actor: Actor }
  | {
      readonly kind: 'run';
      readonly tenant: string;
      readonly runId: string;
      readonly grantId: string;
      readonly jkt: string | undefined;
      /** the resources that the token is for, if it is not for the whole API */
      readonly audience?: readonly string[];
      readonly actor: Actor;
    };

export interface Presented {
  readonly authorization: string | undefined;
  readonly dpop: string | string[] | undefined;
  readonly method: string;
  readonly url: string;
}

/** The roles whose keys act for a person; the other roles' keys act for a service. */
const PEOPLE: ReadonlySet<Role> = new Set(['approver', 'responder', 'admin', 'analyst']);

export async function identify(keys: ApiKeys, tokens: GrantTokens, presented: Presented): Promise<Caller> {
  const [scheme, credential] = split(presented.authorization);
  const digest = digestOf(credential);
  if (scheme === 'bearer') {
    const holder = keys.find(credential, digest);
    if (holder) {
      const kind = PEOPLE.has(holder.role) ? 'person' : 'service';
      return { kind: 'key', ...holder, actor: { kind, id: `key:${holder.role}`, role: holder.role } };
    }
  }
  if (!credential.startsWith('eyJ'))
    throw new Refused(
      'UNAUTHENTICATED',
      'unknown API key; send Authorization: Bearer <key> with a key of this installation',
    );
  const claims = await tokens.verify(credential, digest);
  if (claims.jkt !== undefined) {
    if (scheme !== 'dpop' || typeof presented.dpop !== 'string') {
      throw new Refused(
        'DPOP_INVALID',
        'this token is bound to a key: send Authorization: DPoP <token> and one DPoP proof (RFC 9449)',
      );
    }
    await tokens.checkProof(presented.dpop, credential, claims, presented.method, presented.url);
  } else if (scheme !== 'bearer') {
    throw new Refused('UNAUTHENTICATED', 'this token is not bound to a key; send it as Bearer');
  }
  if (claims.audience !== undefined) checkAudience(claims.audience, presented.url);
  return callerOf(claims);
}

/** The run that a verified token names, as the caller of a request. */
export function callerOf({ tenant, runId, grantId, jkt, audience }: TokenClaims): Extract<Caller, { kind: 'run' }> {
  const actor: Actor = { kind: 'run', id: runId };
  return { kind: 'run', tenant, runId, grantId, jkt, ...(audience === undefined ? {} : { audience }), actor };
}

/** A token for a part of the API is of use for the addresses below it only (RFC 8707 section 2). */
function checkAudience(audience: readonly string[], url: string): void {
  const path = url.split('?')[0] as string;
  if (!audience.some((each) => path === each || path.startsWith(`${each}/`)))
    throw new Refused('UNAUTHENTICATED', 'the grant token is for another resource');
}

/** Reports whether a key may act in one of the roles. */
export const hasRole = (caller: Extract<Caller, { kind: 'key' }>, accepted: readonly Role[]): boolean =>
  accepted.includes(caller.role);

function split(authorization: string | undefined): [string, string] {
  const match = /^(bearer|dpop) +([\w.~+/=-]{8,4096})$/i.exec(authorization ?? '');
  if (!match)
    throw new Refused('UNAUTHENTICATED', 'send Authorization: Bearer <key>, or a grant token as Bearer or DPoP');
  return [(match[1] as string).toLowerCase(), match[2] as string];
}
