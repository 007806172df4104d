import type { JWTPayload } from 'jose';
import { name } from '@bailiwick/contracts/primitives';
import { LIMITS } from '@bailiwick/core/limits';
import { groupNames } from '@bailiwick/contracts/keys/key';
import type { z } from 'zod';
import { Refused } from '../../http/problems/problem';
import { ROLES, type Role } from '../roles';
import type { ClaimPath, IssuerConfig } from './issuer-config';
import type { VerifiedToken } from './issuers';

/** A person as an issuer's token describes them. */
export interface SignedIn {
  readonly tenant: string;
  /** such as `user:ada@example.com` */
  readonly person: string;
  readonly roles: readonly Role[];
  readonly groups: readonly string[];
  /** the issuer */
  readonly via: string;
  /** ms; of the token */
  readonly expiresAt: number;
}

/**
 * Reads the identity, the roles and the groups of a person from the claims of a verified token. What the configuration does
 * not name gives nothing: no role, no group.
 * @throws Refused UNAUTHENTICATED if the claims name no person or no tenant
 */
export function signedIn({ issuer, claims }: VerifiedToken): SignedIn {
  return {
    tenant: tenantOf(issuer, claims),
    person: personOf(issuer, claims),
    roles: rolesOf(issuer, claims),
    groups: groupsOf(issuer, claims),
    via: issuer.issuer.slice(0, LIMITS.nameLength),
    expiresAt: (claims.exp + issuer.clockSkew) * 1_000,
  };
}

const refused = (why: string): Refused => new Refused('UNAUTHENTICATED', `the token is not valid: ${why}`);

function personOf({ person }: IssuerConfig, claims: JWTPayload): string {
  const value = claimOf(claims, person.claim);
  const path = [person.claim].flat().join('.');
  if (typeof value !== 'string' || value === '') throw refused(`the claim ${path} names no person`);
  if (person.claim === 'email' && person.verified && claims.email_verified !== true)
    throw refused('its e-mail address is not verified');
  if (person.domains && !person.domains.includes(value.slice(value.lastIndexOf('@') + 1).toLowerCase()))
    throw refused('its e-mail address is in a domain that is not configured');
  if (person.domains && value.indexOf('@') !== value.lastIndexOf('@')) throw refused('its e-mail address is malformed');
  const parsed = name.safeParse(person.prefix + value);
  if (!parsed.success) throw refused(`the claim ${path} is not a name`);
  return parsed.data;
}

/** @throws Refused UNAUTHENTICATED */
export function tenantOf({ tenant }: IssuerConfig, claims: JWTPayload): string {
  if (typeof tenant === 'string') return tenant;
  const value = claimOf(claims, tenant.claim);
  const found = typeof value === 'string' ? own(tenant.values, value) : undefined;
  if (found === undefined) throw refused('it is of no tenant that is configured');
  return found;
}

/** In the order of `ROLES`, without duplicates. */
function rolesOf({ roles }: IssuerConfig, claims: JWTPayload): readonly Role[] {
  if (!roles) return [];
  const held = new Set(textsOf(claims, roles.claim).flatMap((value) => own(roles.values, value) ?? []));
  return ROLES.filter((role) => held.has(role));
}

/** Groups that are not mapped are taken over unless the configuration lists values. */
function groupsOf({ groups }: IssuerConfig, claims: JWTPayload): readonly string[] {
  if (!groups) return [];
  const { values, prefix = '' } = groups;
  const named = textsOf(claims, groups.claim).flatMap((each) => (values ? (own(values, each) ?? []) : [prefix + each]));
  const all = [...new Set(named)];
  const parsed = groupNames.safeParse(all);
  if (!parsed.success)
    throw refused(`of its ${all.length} groups: ${firstIssue(parsed.error)}; list those that count in groups.values`);
  return all.sort();
}

const firstIssue = (error: z.ZodError): string => error.issues[0]?.message ?? 'malformed';

/** Reads a claim; undefined if it is missing on the way. */
export function claimOf(claims: JWTPayload, path: ClaimPath): unknown {
  let value: unknown = claims;
  for (const part of [path].flat()) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Record<string, unknown>)[part];
  }
  return value;
}

/** A claim of one text or of a list of texts; anything else in it is ignored. */
function textsOf(claims: JWTPayload, path: ClaimPath): string[] {
  return [claimOf(claims, path)].flat().filter((each) => typeof each === 'string');
}

/** A value of a map, and no member that every object has. */
const own = <T>(map: Readonly<Record<string, T>>, key: string): T | undefined =>
  Object.hasOwn(map, key) ? map[key] : undefined;
