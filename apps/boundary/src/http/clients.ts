import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { Seals } from '../calls/seals';
import { isObject } from '../json-text';
import { capabilitiesOf } from '../sessions/server-requests';
import { NotAMessage, type AgentMessage } from './message';
import { CAPABILITIES, STATELESS } from './revisions';

type Json = Record<string, unknown>;

/** What is known of the client that sends a request. */
export interface KnownClient {
  readonly capabilities: Json;
  /** which of the clients of its run it is, in revisions with `initialize` */
  readonly client: string | undefined;
}

const bindingOf = ({ tenant, grantId }: TokenClaims, server: string) => [tenant, grantId, server, 'session'];

/**
 * Returns the session of a client that initializes, if it can be asked anything, or the server has what needs a session:
 * its capabilities, sealed for its lease and the server. No process keeps it.
 */
export function sealedClient(
  seals: Seals,
  { claims, upstream }: { readonly claims: TokenClaims; readonly upstream: { readonly name: string } },
  { of, server }: { readonly of: unknown; readonly server: Json },
): string | undefined {
  const capabilities = capabilitiesOf(of);
  const { resources } = server;
  const needsOne = 'logging' in server || (isObject(resources) && resources.subscribe === true);
  if (Object.keys(capabilities).length === 0 && !needsOne) return undefined;
  const client: KnownClient = { capabilities, client: randomUUID() };
  return seals.seal(JSON.stringify(client), bindingOf(claims, upstream.name));
}

/** Returns the client of a request. @throws NotAMessage for a session that is none of this run and server */
export function clientOf(
  seals: Seals,
  { headers }: Pick<FastifyRequest, 'headers'>,
  { claims, server }: { readonly claims: TokenClaims; readonly server: string },
  message?: { readonly revision: string; readonly params: AgentMessage['params'] },
): KnownClient {
  if (message?.revision === STATELESS) {
    const { _meta: meta } = message.params;
    return { capabilities: capabilitiesOf((meta as Json)[CAPABILITIES]), client: undefined };
  }
  const session = headers['mcp-session-id'];
  if (session === undefined) return { capabilities: {}, client: undefined };
  const opened = seals.open(session, bindingOf(claims, server));
  if (opened === undefined) throw new NotAMessage(404, -32001, 'the session is none of this run; initialize again');
  return JSON.parse(opened) as KnownClient;
}
