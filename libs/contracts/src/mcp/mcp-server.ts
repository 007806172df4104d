import { z } from 'zod';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { mcpServerName } from './mcp-pin';

const NO_NUL = /^[^\0]*$/;
const text = z.string().max(LIMITS.mcp.settingChars).regex(NO_NUL, 'must have no NUL');
const headerText = text.regex(/^[\t\x20-\x7e]*$/, 'must be printable ASCII');

/** The name of a secret in `mcp-secrets.json`. */
export const secretName = z
  .string()
  .regex(/^[A-Za-z0-9][\w.-]{0,62}$/, 'must be 1 to 63 of letters, digits, . _ and -');
/** A secret that the boundary reads from `mcp-secrets.json`, where it is listed under the tenant. */
export const secretReference = z.strictObject({ secret: secretName });
/** A secret that only the boundary can read: the gateway has encrypted it. */
const sealedSecret = z.strictObject({ sealed: z.string().max(LIMITS.mcp.sealedChars) });

/** Headers that the protocol sets. */
const RESERVED = /^(content-(type|length)|host|accept|connection|transfer-encoding|upgrade|mcp-.*)$/i;
const headersOf = <T extends z.ZodType>(value: T) =>
  z
    .record(z.string().regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/), value)
    .refine((headers) => !Object.keys(headers).some((name) => RESERVED.test(name)), {
      error: 'names a header that the protocol sets',
    })
    .refine((headers) => Object.keys(headers).length <= LIMITS.mcp.headers, {
      error: `has more than ${LIMITS.mcp.headers} headers`,
    });

/** The address of a server: no user name, which is a secret, and no fragment, which is not sent. */
export const upstreamUrl = z
  .url({ protocol: /^https?$/ })
  .max(2_048)
  .refine((value) => hasNeither(value), { error: 'must have no user name and no fragment' });

function hasNeither(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { username, password } = new URL(value);
  return username === '' && password === '' && !value.includes('#');
}

const http = z.strictObject({ url: upstreamUrl });
const program = <T extends z.ZodType>(value: T) =>
  z.strictObject({
    command: text.min(1).max(1_024),
    args: z.array(text).max(100).optional(),
    /** the whole environment of the process, except PATH unless it is stated here */
    env: z.record(z.string().regex(/^[A-Za-z_]\w*$/), value).optional(),
  });

/** What identifies the upstream, and how its credentials are stated. */
const stated = <Value extends z.ZodType, Env extends z.ZodType>(value: Value, env: Env) =>
  z.strictObject({
    upstream: z.union([http, program(env)], { error: 'must be { url } or { command, args?, env? }' }),
    /** sent to the upstream with every request; agents never see them */
    credentials: z.strictObject({ headers: headersOf(value) }).optional(),
    /** how the boundary obtains a token for the upstream, which it sends as `Authorization: Bearer` */
    auth: z
      .strictObject({
        kind: z.literal('client_credentials'),
        /** the authorization server, exactly as its metadata states itself (RFC 8414) */
        issuer: upstreamUrl.refine(
          (issuer) => /^https:|^http:\/\/(localhost|[\d.]+|\[[\da-f:]+\])([:/]|$)/.test(issuer),
          {
            error: 'must be https, or an address that is stated as a number',
          },
        ),
        clientId: headerText.min(1),
        clientSecret: value,
        scope: z
          .string()
          .max(1_024)
          .regex(/^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/, 'must be scopes, separated by spaces')
          .optional(),
      })
      .optional(),
    /** the only tools of the server that exist for agents; left out: all of them */
    tools: z.array(z.string().min(1).max(LIMITS.mcp.toolNameLength)).max(LIMITS.mcp.toolsPerServer).optional(),
  });

interface Stated {
  readonly upstream: { readonly url: string } | { readonly command: string };
  readonly credentials?: { readonly headers: object } | undefined;
  readonly auth?: unknown;
}
const credentialsAreForUrl = ({ upstream, credentials, auth }: Stated): boolean =>
  'url' in upstream
    ? auth === undefined || !Object.keys(credentials?.headers ?? {}).some((name) => /^authorization$/i.test(name))
    : credentials === undefined && auth === undefined;
const MISPLACED = {
  error:
    'credentials and auth are for an upstream with a url, and only one of them sends Authorization; a command takes secrets from env',
};

/** How the operator states a server, in `mcp.json`. */
export const mcpServerInFile = stated(z.union([headerText, secretReference]), z.union([text, secretReference])).refine(
  credentialsAreForUrl,
  MISPLACED,
);
/** How an administrator registers a server: secrets in headers are encrypted before they are stored, those of `env` are references. */
export const mcpServerRequest = mcpServerInFile.refine(
  (request) => JSON.stringify(request).length <= LIMITS.mcp.serverChars,
  { error: `is longer than ${LIMITS.mcp.serverChars} characters` },
);
export type McpServerRequest = z.infer<typeof mcpServerRequest>;

/** How a registered server is stored: it has no secret in a readable form. */
export const storedMcpServer = stated(
  z.union([sealedSecret, secretReference]),
  z.union([text, secretReference]),
).refine(credentialsAreForUrl, MISPLACED);
export type StoredMcpServer = z.infer<typeof storedMcpServer>;

/** A server as the boundary connects to it, from either source. */
export interface McpServerConfig {
  readonly upstream:
    | { readonly url: string }
    | {
        readonly command: string;
        readonly args?: readonly string[] | undefined;
        readonly env?: Readonly<Record<string, SecretValue>> | undefined;
      };
  readonly credentials?: { readonly headers: Readonly<Record<string, SecretValue>> } | undefined;
  readonly auth?:
    | {
        readonly kind: 'client_credentials';
        readonly issuer: string;
        readonly clientId: string;
        readonly clientSecret: SecretValue;
        readonly scope?: string | undefined;
      }
    | undefined;
  readonly tools?: readonly string[] | undefined;
}
export type SecretValue = string | z.infer<typeof secretReference> | z.infer<typeof sealedSecret>;

/**
 * Identifies what the name of a server stands for: its address, or its command line, without credentials.
 * @param env the variables that are part of it: those that an administrator stated as text, which are no secrets
 */
export function identityOf(upstream: McpServerConfig['upstream'], env: Readonly<Record<string, string>> = {}): string {
  if ('url' in upstream) return canonicalDigest({ url: upstream.url });
  const { command, args } = upstream;
  return canonicalDigest({ command, args, ...(Object.keys(env).length === 0 ? {} : { env }) });
}

/** Returns the identity of a server that was registered over the API. */
export const registeredIdentity = ({ upstream }: McpServerConfig): string =>
  identityOf(
    upstream,
    'url' in upstream
      ? {}
      : Object.fromEntries(
          Object.entries(upstream.env ?? {}).flatMap(([name, value]) =>
            typeof value === 'string' ? [[name, value]] : [],
          ),
        ),
  );

/** What the secret of a client is for, where a header would be named: this issuer alone. No header has a space. */
export const clientSecretUse = (issuer: string): string => `client secret ${issuer}`;

/** The context of the encrypted secrets of a server: they open for this tenant, name and address alone. */
export const sealingContext = (tenant: string, server: string, identity: string, use: string): readonly string[] => [
  'mcp credentials',
  tenant,
  server,
  identity,
  use.toLowerCase(),
];

/** What may be shown of an upstream: no value of a query, and no argument of a command, which may be secrets. */
export function shownUpstream(upstream: McpServerConfig['upstream']): ShownUpstream {
  if (!('url' in upstream)) return { command: upstream.command, args: upstream.args?.length ?? 0 };
  const url = new URL(upstream.url);
  for (const name of new Set(url.searchParams.keys())) url.searchParams.set(name, '…');
  return { url: url.href };
}
export const shownUpstreamAnswer = z.union([
  z.object({ url: z.string() }),
  /** args: their number */
  z.object({ command: z.string(), args: z.int().min(0) }),
]);
type ShownUpstream = z.infer<typeof shownUpstreamAnswer>;

export const listedMcpServer = z.object({ name: mcpServerName, upstream: shownUpstreamAnswer });
export type ListedMcpServer = z.infer<typeof listedMcpServer>;
export const mcpRegisterRequest = z.strictObject({
  tenant: z.string(),
  server: mcpServerName,
  config: storedMcpServer,
});
export const mcpServersRequest = z.strictObject({ tenant: z.string() });
