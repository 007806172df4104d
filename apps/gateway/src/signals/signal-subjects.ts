import { z } from 'zod';
import type { SelectorBody } from '@bailiwick/contracts/http/bodies';
import { freeText, name } from '@bailiwick/contracts/primitives';
import { LIMITS } from '@bailiwick/core/limits';

/** Whom a subject identifier of a token stands for here (RFC 9493, SSF 1.0 section 3). Pure. */

const MOST = LIMITS.signals.aliases;
const text = z.string().min(1).max(2_000);

/**
 * The formats that can be mapped, and no others. Other members are not read, although
 * they are an error (RFC 9493 section 3): a transmitter does not deliver again what was refused, and its person is named.
 */
const simple = z.discriminatedUnion('format', [
  z.object({ format: z.literal('account'), uri: text }),
  z.object({ format: z.literal('email'), email: text }),
  z.object({ format: z.literal('iss_sub'), iss: text, sub: text }),
  z.object({ format: z.literal('opaque'), id: text }),
]);
type Simple = z.infer<typeof simple>;
const PARTS = ['user', 'device', 'session', 'application', 'tenant', 'org_unit', 'group'] as const;

/**
 * A subject of any format, also of one that is not known here: an identifier that is malformed or of such a format names
 * no one, and keeps none of the others from being read.
 */
export const subjectId = z
  .looseObject({ format: z.string().min(1) })
  .refine((subject) => [subject, ...PARTS.map((part) => subject[part])].every((id) => aliasesIn(id).length <= MOST), {
    error: `aliases are at most ${MOST}`,
  });
export type SubjectId = z.infer<typeof subjectId>;

const aliasesOf = z.object({ format: z.literal('aliases'), identifiers: z.array(z.unknown()) });
/** The identifiers of aliases, and any other identifier as the only one. */
function aliasesIn(id: unknown): unknown[] {
  const aliases = aliasesOf.safeParse(id);
  return aliases.success ? aliases.data.identifiers : [id];
}

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
  const members: [SubjectMapping['of'][number], unknown][] =
    subject.format === 'complex'
      ? PARTS.flatMap((part) => (subject[part] === undefined ? [] : [[part, subject[part]]]))
      : [['subject', subject]];
  return members.map(([member, id]) => {
    const ours = mappings.filter(({ of }) => of.includes(member));
    const ids = aliasesIn(id).flatMap((each) => simple.safeParse(each).data ?? []);
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
  }
}

function isIn(email: string, domains: readonly string[] | undefined): boolean {
  const at = email.indexOf('@');
  if (at < 1 || at !== email.lastIndexOf('@')) return false;
  return domains?.includes(email.slice(at + 1).toLowerCase()) ?? true;
}
