import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { foldSpaces, lookAlikeFault } from '@bailiwick/core/look-alike';
import { agentName, name, tenantName, time } from '../primitives';
import { clientJwks } from './client-keys';

/** API keys. No schema here has a secret: a key is named by its id, and found by the digest of its secret. */

export const KEY_ROLES = ['admin', 'orchestrator', 'enforcer', 'approver', 'responder', 'analyst'] as const;
export const keyRole = z.enum(KEY_ROLES);
export type KeyRole = z.infer<typeof keyRole>;

export const keyId = z.string().regex(/^key_[0-9a-z]{26}$/, 'must be the id of a key (key_…)');

/** Events name a service by it, so it is one word; unique among the live keys of a tenant. */
export const keyName = agentName.max(80);

/** The name of a person that cannot be mistaken for another, as in `requestedBy`. */
export const personName = name.superRefine((text, context) => {
  if (text.length > LIMITS.nameLength) return; // already refused; normalization takes quadratic time
  const fault =
    foldSpaces(text) === text ? lookAlikeFault(text) : 'has a double or unusual space; write one plain space';
  if (fault !== undefined) context.addIssue({ code: 'custom', message: fault });
});

/** The groups of a caller, by which a policy may choose who approves. */
export const groupNames = z
  .array(name)
  .max(LIMITS.actorGroups)
  .refine((all) => lengthOf(all) <= LIMITS.actorGroupsChars, {
    error: `the names have at most ${LIMITS.actorGroupsChars} characters together`,
  });
export const lengthOf = (texts: readonly string[]): number => texts.reduce((sum, text) => sum + text.length, 0);

/** Base64 of the SHA-256 of a secret. */
export const secretDigest = z.string().regex(/^[A-Za-z0-9+/]{43}=$/);

export const keyView = z.strictObject({
  id: keyId,
  name: keyName,
  /** left out: a person who may see and stop what runs in their name */
  role: keyRole.optional(),
  /** the person who holds it; a key without one is a service's */
  person: z.string().optional(),
  groups: z.array(z.string()).optional(),
  /** the public keys of a client that signs assertions; it has no secret */
  jwks: clientJwks.optional(),
  createdAt: time,
  /** the id of the actor that issued it; left out for keys of earlier releases */
  createdBy: z.string().optional(),
  expiresAt: time.optional(),
  /** when it was last rotated, and until when its earlier secret is valid as well */
  rotatedAt: time.optional(),
  overlapUntil: time.optional(),
  revokedAt: time.optional(),
  /** to within some seconds; left out if it was never used */
  lastUsedAt: time.optional(),
  status: z.enum(['active', 'expired', 'revoked']),
});
export type KeyView = z.infer<typeof keyView>;

/** A key as the gateways hold it. */
export const heldKey = z.strictObject({
  id: keyId,
  tenant: tenantName,
  name: keyName,
  role: keyRole.optional(),
  person: z.string().optional(),
  groups: z.array(z.string()).optional(),
  jwks: clientJwks.optional(),
  expiresAt: time.optional(),
  revoked: z.boolean(),
  secrets: z.array(z.strictObject({ digest: secretDigest, until: time.optional() })),
});
export type HeldKey = z.infer<typeof heldKey>;

/** Reports whether a key is found by the digest of its secret, or by its public keys. */
export const hasOne = ({ digest, jwks }: { digest?: unknown; jwks?: unknown }): boolean =>
  (digest === undefined) !== (jwks === undefined);

/** A key to be issued. */
export const newKey = z
  .strictObject({
    id: keyId,
    name: keyName,
    role: keyRole.optional(),
    person: personName.optional(),
    groups: groupNames.optional(),
    /** one of `digest` and `jwks` */
    digest: secretDigest.optional(),
    jwks: clientJwks.optional(),
    expiresAt: time.optional(),
    createdBy: z.string().max(LIMITS.nameLength).optional(),
  })
  .refine(hasOne, { error: 'needs one of digest and jwks' });
export type NewKey = z.infer<typeof newKey>;

/* Requests of the gateway to the delegation service, which alone reaches the table: `bailiwick.admin.<name>`. */

/** Changes after a version, with reports of use: the reply is `KeyChanges`. */
export const keysRequest = z.strictObject({
  after: z.number().int().min(0),
  used: z
    .array(z.strictObject({ id: keyId, at: time }))
    .max(LIMITS.keys.page)
    .optional(),
});
export const keyChanges = z.strictObject({
  version: z.number().int().min(0),
  keys: z.array(heldKey),
  more: z.boolean(),
});
export type KeyChanges = z.infer<typeof keyChanges>;

export const tenantKeysRequest = z.strictObject({ tenant: tenantName });
/** The keys of tenants that an earlier release stored in a file. */
export const takeOverRequest = z.strictObject({
  keys: z
    .array(z.strictObject({ id: keyId, tenant: tenantName, role: keyRole, digest: secretDigest }))
    .max(LIMITS.keys.page),
});
/** The names of people on the keys of a tenant, each once and in order, after one of them: the reply is `PeopleOfKeys`. */
export const peopleOfKeysRequest = z.strictObject({ tenant: tenantName, after: z.string().optional() });
export interface PeopleOfKeys {
  readonly people: readonly string[];
  readonly more: boolean;
}
/** Removes names of people, as they are written, from keys that have ended. */
export const forgetPeopleRequest = z.strictObject({
  tenant: tenantName,
  people: z.array(z.string()).min(1).max(LIMITS.keys.page),
});
