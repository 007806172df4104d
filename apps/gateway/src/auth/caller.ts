import type { Actor } from '@bailiwick/contracts/events/event';
import type { ApiKeys } from './api-keys';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { GrantTokens } from './grant-tokens';
import type { KeyHolder } from './key-replica';
import type { SignedIn } from './issuers/people';
import type { People } from './people-tokens';
import type { Pseudonyms } from './pseudonyms';
import { Refused } from '../http/problems/problem';
import type { Role } from './roles';
import { digestOf } from './secrets';

/** The sender of a request: a person or a service with a key or a token of an issuer, or a run with its grant token. */
export type Caller =
  | {
      readonly kind: 'key';
      readonly tenant: string;
      /** none: a person who may see and stop what runs in their name */
      readonly roles: readonly Role[];
      readonly actor: Actor;
      /** the name of the person, such as `user:ada@example.com`; undefined for a service, and for a key of a role */
      readonly person?: string;
      /** the name of a person's key, under which it is a client of OAuth; a service's is in its actor */
      readonly keyName?: string;
      /** of a session with several keys: who acts in each role */
      readonly acts?: Readonly<Partial<Record<Role, Actor>>>;
    }
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

/** Who vouches for callers. */
export interface Vouchers {
  readonly keys: Pick<ApiKeys, 'find'>;
  readonly tokens: GrantTokens;
  readonly pseudonyms: Pick<Pseudonyms, 'ref'>;
  /** left out: no issuer is configured */
  readonly people?: People | undefined;
}

export const VOUCHERS = Symbol('Vouchers');

export async function identify(vouchers: Vouchers, presented: Presented): Promise<Caller> {
  const [scheme, credential] = split(presented.authorization);
  const digest = digestOf(credential);
  if (scheme === 'bearer') {
    const found = vouchers.keys.find(credential, digest);
    const holder = found instanceof Promise ? await found : found;
    if (holder) return keyCaller(holder, vouchers.pseudonyms);
  }
  if (!credential.startsWith('eyJ'))
    throw new Refused(
      'UNAUTHENTICATED',
      'unknown API key; send Authorization: Bearer <key> with a key of this installation',
    );
  if (vouchers.people?.issued(credential, digest)) {
    if (scheme !== 'bearer') throw new Refused('UNAUTHENTICATED', 'send a token of an issuer as Bearer');
    return personCaller(await vouchers.people.signedIn(credential, digest), vouchers.pseudonyms);
  }
  return runCaller(vouchers.tokens, presented, scheme, credential, digest);
}

/** The roles whose keys act for a person unless they name one; the other roles' keys act for a service. */
const PEOPLE: ReadonlySet<Role> = new Set(['approver', 'responder', 'admin', 'analyst']);

export function keyCaller(
  { tenant, role, id, name, person, groups }: KeyHolder,
  pseudonyms: Vouchers['pseudonyms'],
): Extract<Caller, { kind: 'key' }> {
  const roles = role === undefined ? [] : [role];
  const more = {
    ...(role === undefined ? {} : { role }),
    ...(groups?.length ? { groups: [...groups] } : {}),
    ...(id === undefined ? {} : { via: id }),
  };
  if (person !== undefined) {
    const actor: Actor = { kind: 'person', id: pseudonyms.ref(tenant, 'person', person), ...more };
    return { kind: 'key', tenant, roles, actor, person, keyName: name };
  }
  const kind = role !== undefined && name === role && PEOPLE.has(role) ? 'person' : 'service';
  return {
    kind: 'key',
    tenant,
    roles,
    actor: { kind, id: `key:${name}`, ...(role !== undefined && name === role ? { role } : more) },
  };
}

export function personCaller(
  { tenant, person, roles, groups, via }: Omit<SignedIn, 'expiresAt'>,
  pseudonyms: Vouchers['pseudonyms'],
): Extract<Caller, { kind: 'key' }> {
  const actor: Actor = {
    kind: 'person',
    id: pseudonyms.ref(tenant, 'person', person),
    ...(roles[0] === undefined ? {} : { role: roles[0] }),
    ...(groups.length === 0 ? {} : { groups: [...groups] }),
    via,
  };
  return { kind: 'key', tenant, roles, actor, person };
}

async function runCaller(
  tokens: GrantTokens,
  presented: Presented,
  scheme: string,
  credential: string,
  digest: string,
): Promise<Caller> {
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

/**
 * Returns the caller with the role that a request needs as the one that its events name.
 * @param accepted the roles that may make the request
 */
export function actingAs(caller: Caller, accepted: readonly Role[]): Caller {
  if (caller.kind === 'run' || caller.roles.length < 2) return caller;
  const role = caller.roles.find((each) => accepted.includes(each));
  if (role === undefined) return caller;
  const actor = caller.acts?.[role] ?? caller.actor;
  return role === actor.role && actor === caller.actor ? caller : { ...caller, actor: { ...actor, role } };
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

/** Reports whether the holder of a key, or a person, may act in one of the roles. */
export const hasRole = (caller: Extract<Caller, { kind: 'key' }>, accepted: readonly Role[]): boolean =>
  caller.roles.some((role) => accepted.includes(role));

/** The most of a credential: tokens of issuers name groups and roles. */
const CREDENTIAL = /^(bearer|dpop) +([\w.~+/=-]{8,8192})$/i;

function split(authorization: string | undefined): [string, string] {
  const match = CREDENTIAL.exec(authorization ?? '');
  if (!match)
    throw new Refused('UNAUTHENTICATED', 'send Authorization: Bearer <key>, or a grant token as Bearer or DPoP');
  return [(match[1] as string).toLowerCase(), match[2] as string];
}
