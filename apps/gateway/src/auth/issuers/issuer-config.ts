import { existsSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import { agentName, freeText, tenantName } from '@bailiwick/contracts/primitives';
import { LIMITS } from '@bailiwick/core/limits';
import { isSafeAddress } from '@bailiwick/core/safe-address';
import { ROLES } from '../roles';

/**
 * The configuration of OpenID Connect issuers whose tokens people present: the file `issuers.json`. It is read once, at
 * the start. A malformed file stops the start, since a role that is assigned by mistake is authority.
 */

/** Signatures with a key pair. A shared secret would let every reader of it sign, and `none` is no signature. */
export const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

const text = freeText(LIMITS.nameLength);

/** The name of a claim, or the names on the way to a nested one: `["realm_access", "roles"]`. */
const claimPath = z.union([text, z.array(text).min(1).max(8)]);
export type ClaimPath = z.infer<typeof claimPath>;

const role = z.enum(ROLES);
const values = <T extends z.ZodType>(to: T) =>
  z.record(text, to).refine((map) => Object.keys(map).length <= LIMITS.issuers.values, {
    error: `at most ${LIMITS.issuers.values} values`,
  });

/** `https:`, and `http:` for this machine alone: keys that are fetched in the clear can be replaced on the way. */
const address = z
  .url()
  .max(2_000)
  .refine((url) => isSafeAddress(url), { error: 'must be an https URL, or http on localhost' });

const login = z.strictObject({
  /** the public client of the command line at the issuer */
  clientId: text,
  scope: text.default('openid'),
  /** RFC 8707; for issuers that need the resource to issue a token for it */
  resource: text.optional(),
  /** the token that the command line sends: an access token for `audience`, or the ID token */
  token: z.enum(['access', 'id']).default('access'),
});

const consoleClient = z.strictObject({
  /** the client of the console at the issuer, with the redirect URI `<public URL>/v1/session/callback` */
  clientId: text,
  /** of a confidential client; a public client has none */
  clientSecret: text.optional(),
  scope: text
    .refine((scope) => scope.split(' ').includes('openid'), { error: 'must contain openid' })
    .default('openid'),
  /** RFC 8707; for issuers that need the resource to issue a token for it */
  resource: text.optional(),
  /** the token whose claims describe the person: the ID token, or an access token for `audience` */
  token: z.enum(['access', 'id']).default('id'),
});
export type ConsoleClient = z.infer<typeof consoleClient>;

/** Tokens of CI systems, of Kubernetes and of clouds that attest the workload that holds them. */
const workloads = z.strictObject({
  /** the name under which leases require the attestation (`posture.attestedBy`) */
  name: agentName,
  /** the `aud` of such tokens, which tokens of people do not have */
  audience: text,
  /** each claim must have one of the values: an issuer that many share attests any of its customers otherwise */
  require: z
    .array(z.strictObject({ claim: claimPath, values: z.array(text).min(1).max(LIMITS.issuers.values) }))
    .min(1)
    .max(16),
  /** the claims that state the posture */
  posture: z
    .strictObject({
      model: claimPath.optional(),
      modelVersion: claimPath.optional(),
      environment: claimPath.optional(),
      imageDigest: claimPath.optional(),
    })
    .refine((claims) => Object.values(claims).some((each) => each !== undefined), { error: 'name a claim' }),
  /** the classes of agents that it attests; left out: all */
  classes: z.array(agentName).min(1).max(LIMITS.issuers.values).optional(),
});

export const issuerConfig = z.strictObject({
  /** exactly as in the `iss` claim */
  issuer: address,
  /** where its keys are, without discovery */
  jwksUri: address.optional(),
  /** one of these must be in `aud` */
  audience: z.union([text, z.array(text).min(1).max(16)]),
  /** the clients (`azp`, `client_id`, `cid` or `appid`) whose tokens are accepted; left out: any */
  clients: z.array(text).min(1).max(LIMITS.issuers.values).optional(),
  algorithms: z.array(z.enum(ALGORITHMS)).min(1).default(['RS256', 'PS256', 'ES256', 'EdDSA']),
  /** seconds by which the clocks may differ */
  clockSkew: z.number().int().min(0).max(300).default(30),
  /** the longest life of a token, in seconds */
  maxLifetime: z
    .number()
    .int()
    .min(60)
    .max(7 * 86_400)
    .default(86_400),
  person: z
    .strictObject({
      claim: claimPath.default('sub'),
      prefix: freeText(40).default('user:'),
      /** the claim is an e-mail address in one of these domains */
      domains: z
        .array(z.string().regex(/^[a-z0-9.-]+\.[a-z0-9-]+$/))
        .min(1)
        .max(64)
        .optional(),
      /** with the claim `email`: refuses one that `email_verified` does not confirm */
      verified: z.boolean().default(true),
    })
    .prefault({}),
  /** the tenant of its people, or the claim that names it */
  tenant: z.union([tenantName, z.strictObject({ claim: claimPath, values: values(tenantName) })]).default('default'),
  roles: z.strictObject({ claim: claimPath, values: values(z.union([role, z.array(role).min(1)])) }).optional(),
  groups: z
    .strictObject({ claim: claimPath, values: values(text).optional(), prefix: freeText(40).optional() })
    .optional(),
  login: login.optional(),
  /** people sign in to the console; left out: they do not */
  console: consoleClient.optional(),
  /** its identity assertions (ID-JAG) open runs for its people; left out: they do not */
  assertions: z.literal(true).optional(),
  /** its tokens attest workloads; left out: they do not */
  workloads: workloads.optional(),
});
export type IssuerConfig = z.infer<typeof issuerConfig>;

export const issuersFile = z.strictObject({ issuers: z.array(issuerConfig).max(LIMITS.issuers.most) });

/**
 * Reads the configured issuers; without the file there are none.
 * @param own the address of this installation, whose tokens are grant tokens
 * @throws Error with the member at fault
 */
export function readIssuers(file: string, own: string): readonly IssuerConfig[] {
  if (!existsSync(file)) return [];
  return checkedIssuers(JSON.parse(readFileSync(file, 'utf8')), own);
}

/** @throws Error with the member at fault */
export function checkedIssuers(raw: unknown, own: string): readonly IssuerConfig[] {
  const parsed = issuersFile.safeParse(raw);
  if (!parsed.success) {
    const faults = parsed.error.issues.map(({ path, message }) => `${path.join('.') || 'the file'}: ${message}`);
    throw new Error(`issuers.json: ${faults.slice(0, 4).join('; ')}`);
  }
  const { issuers } = parsed.data;
  for (const [at, each] of issuers.entries()) {
    if (each.issuer === own) throw new Error(`issuers.json: ${own} is this installation`);
    if (each.workloads && [each.audience].flat().includes(each.workloads.audience))
      throw new Error(`issuers.json: ${each.issuer} has one audience for people and for workloads`);
    const earlier = issuers.slice(0, at);
    const sameName = earlier.some(({ workloads }) => workloads && workloads.name === each.workloads?.name);
    if (sameName) throw new Error(`issuers.json: two issuers attest workloads as ${each.workloads?.name}`);
    if (earlier.some(({ issuer }) => issuer === each.issuer))
      throw new Error(`issuers.json: ${each.issuer} is listed twice`);
    const other = earlier.find((one) => mayNameTheSame(one, each));
    if (other)
      throw new Error(
        `issuers.json: ${other.issuer} and ${each.issuer} could name the same person; give each its own person.prefix, or both person.domains without a common one`,
      );
  }
  return issuers;
}

/** Two issuers that could assert the same name would let one of them act for the people of the other. */
function mayNameTheSame({ person: one }: IssuerConfig, { person: two }: IssuerConfig): boolean {
  if (one.prefix !== two.prefix) return one.prefix.startsWith(two.prefix) || two.prefix.startsWith(one.prefix);
  if (!one.domains || !two.domains) return true;
  return one.domains.some((domain) => two.domains?.includes(domain));
}
