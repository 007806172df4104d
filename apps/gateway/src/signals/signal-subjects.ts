import { z } from 'zod';
import type { SelectorBody } from '@bailiwick/contracts/http/bodies';
import { freeText, name } from '@bailiwick/contracts/primitives';
import { LIMITS } from '@bailiwick/core/limits';

/** Whom a subject identifier of a token stands for here (RFC 9493, SSF 1.0 section 3). Pure. */

const text = z.string().min(1).max(2_000);

/** Each format has exactly its own members: a receiver rejects an identifier with others (RFC 9493 section 3). */
const SIMPLE = {
  account: z.strictObject({ format: z.literal('account'), uri: text }),
  did: z.strictObject({ format: z.literal('did'), url: text }),
  email: z.strictObject({ format: z.literal('email'), email: text }),
  iss_sub: z.strictObject({ format: z.literal('iss_sub'), iss: text, sub: text }),
  jwt_id: z.strictObject({ format: z.literal('jwt_id'), iss: text, jti: text }),
  opaque: z.strictObject({ format: z.literal('opaque'), id: text }),
  phone_number: z.strictObject({ format: z.literal('phone_number'), phone_number: text }),
  saml_assertion_id: z.strictObject({ format: z.literal('saml_assertion_id'), issuer: text, assertion_id: text }),
  uri: z.strictObject({ format: z.literal('uri'), uri: text }),
  ip_addresses: z.strictObject({ format: z.literal('ip-addresses'), 'ip-addresses': z.array(text).min(1).max(64) }),
};
const simple = z.discriminatedUnion('format', [
  SIMPLE.account,
  SIMPLE.did,
  SIMPLE.email,
  SIMPLE.iss_sub,
  SIMPLE.jwt_id,
  SIMPLE.opaque,
  SIMPLE.phone_number,
  SIMPLE.saml_assertion_id,
  SIMPLE.uri,
  SIMPLE.ip_addresses,
]);
type Simple = z.infer<typeof simple>;
const aliases = z.strictObject({
  format: z.literal('aliases'),
  identifiers: z.array(simple).min(1).max(LIMITS.signals.aliases),
});
const single = z.union([simple, aliases]);
const PARTS = ['user', 'device', 'session', 'application', 'tenant', 'org_unit', 'group'] as const;
const complex = z.strictObject({
  format: z.literal('complex'),
  ...(Object.fromEntries(PARTS.map((part) => [part, single.optional()])) as Record<
    (typeof PARTS)[number],
    z.ZodOptional<typeof single>
  >),
});
export const subjectId = z.union([single, complex]);
export type SubjectId = z.infer<typeof subjectId>;

/** Which identifiers name a principal or an instance of an agent. */
export const subjectMapping = z
  .strictObject({
    /** where the identifier is: the whole subject, or these members of a complex one */
    of: z
      .array(z.enum(['subject', ...PARTS]))
      .min(1)
      .max(PARTS.length + 1)
      .default(['subject', 'user']),
    format: z.enum(['account', 'email', 'iss_sub', 'opaque']),
    /** of `iss_sub`: whose subjects are meant; left out: those of the transmitter */
    issuer: freeText(2_000).optional(),
    /** of `email`: only addresses in these domains */
    domains: z
      .array(z.string().regex(/^[a-z0-9.-]+\.[a-z0-9-]+$/))
      .min(1)
      .max(64)
      .optional(),
    names: z.enum(['principal', 'agentInstance']),
    /** put before the identifier, such as `user:` */
    prefix: z.string().max(40).default(''),
  })
  .refine(({ format, issuer }) => issuer === undefined || format === 'iss_sub', { error: 'issuer is of iss_sub' })
  .refine(({ format, domains }) => domains === undefined || format === 'email', { error: 'domains are of email' });
export type SubjectMapping = z.infer<typeof subjectMapping>;

/**
 * Returns what a subject names here: for each member of a complex subject that is mapped, and for a simple one as its only
 * member, the selectors of which any may hold.
 * @param issuer of the token
 */
export function namedBy(subject: SubjectId, mappings: readonly SubjectMapping[], issuer: string): SelectorBody[][] {
  const members: [SubjectMapping['of'][number], Exclude<SubjectId, { format: 'complex' }>][] =
    subject.format === 'complex'
      ? PARTS.flatMap((part) => (subject[part] === undefined ? [] : [[part, subject[part]]]))
      : [['subject', subject]];
  return members.map(([member, id]) => {
    const ids = id.format === 'aliases' ? id.identifiers : [id];
    const ours = mappings.filter(({ of }) => of.includes(member));
    return ids.flatMap((each) => ours.flatMap((mapping) => nameIn(each, mapping, issuer)));
  });
}

function nameIn(id: Simple, mapping: SubjectMapping, issuer: string): SelectorBody[] {
  const value = valueOf(id, mapping, issuer);
  const parsed = value === undefined ? undefined : name.safeParse(mapping.prefix + value);
  return parsed?.success ? [{ [mapping.names]: parsed.data }] : [];
}

function valueOf(id: Simple, mapping: SubjectMapping, issuer: string): string | undefined {
  if (id.format !== mapping.format) return undefined;
  switch (id.format) {
    case 'account':
      return id.uri.startsWith('acct:') ? id.uri.slice('acct:'.length) : undefined;
    case 'email':
      return isIn(id.email, mapping.domains) ? id.email : undefined;
    case 'iss_sub':
      return id.iss === (mapping.issuer ?? issuer) ? id.sub : undefined;
    case 'opaque':
      return id.id;
    default:
      return undefined;
  }
}

function isIn(email: string, domains: readonly string[] | undefined): boolean {
  const at = email.indexOf('@');
  if (at < 1 || at !== email.lastIndexOf('@')) return false;
  return domains?.includes(email.slice(at + 1).toLowerCase()) ?? true;
}
