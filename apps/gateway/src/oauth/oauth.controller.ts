import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { GrantTokens } from '../auth/grant-tokens';
import { Ctx, Endpoint, Query, Text } from '../http/endpoints/endpoint';
import { OAuthRefused } from '../http/problems/oauth-error';
import type { Incoming, RequestContext } from '../http/request-context';
import { Reply } from '../http/responses/http-response';
import { CLIENT_CREDENTIALS, ClientCredentials } from './client-credentials';
import { OAuthClients, type Client } from './clients';
import { Form } from './form';
import { IdentityAssertions, JWT_BEARER } from './identity-assertions';
import { LiveTokens } from './live-tokens';
import { serverMetadata } from './metadata';
import { OAuthSlots } from './oauth-slots';
import { TOKEN_EXCHANGE, TokenExchange, type TokenResponse } from './token-exchange';

const GRANT_TYPES = [TOKEN_EXCHANGE, JWT_BEARER, CLIENT_CREDENTIALS];
/** The roles of a client that opens runs. */
const OPENERS = ['orchestrator'] as const;
const NO_STORE = { headers: { 'cache-control': 'no-store' } };
const anyQuery = z.looseObject({});
const tokenAnswer = z.object({
  access_token: z.string(),
  issued_token_type: z.string(),
  token_type: z.enum(['Bearer', 'DPoP']),
  expires_in: z.number().int(),
  authorization_details: z.array(z.unknown()),
});

/**
 * The token endpoints of OAuth. They take forms and authenticate clients themselves, so the framework sees them as open;
 * their errors have the form of RFC 6749.
 */
@Controller()
export class OAuthController {
  constructor(
    private readonly tokens: GrantTokens,
    private readonly clients: OAuthClients,
    private readonly exchanges: TokenExchange,
    private readonly assertions: IdentityAssertions,
    private readonly credentials: ClientCredentials,
    private readonly live: LiveTokens,
    private readonly slots: OAuthSlots,
  ) {}

  @Endpoint({
    method: 'GET',
    path: '/.well-known/oauth-authorization-server',
    summary: 'The metadata of the authorization server (RFC 8414)',
    roles: 'public',
  })
  metadata(): Reply {
    return Reply.json(serverMetadata(this.tokens.issuer, GRANT_TYPES), {
      headers: { 'cache-control': 'public, max-age=300' },
    });
  }

  @Endpoint({
    method: 'GET',
    path: '/oauth/jwks',
    summary: 'The public keys of tokens: the one that signs, and former ones with live tokens (RFC 7517)',
    roles: 'public',
  })
  jwks(): Reply {
    return Reply.json(this.tokens.keys.jwks, { headers: { 'cache-control': 'public, max-age=60' } });
  }

  /**
   * Clients of MCP read no metadata without an authorization endpoint. There is no code to get here, and nothing is
   * redirected: an address in the request could be anyone's.
   */
  @Endpoint({
    method: 'GET',
    path: '/oauth/authorize',
    summary: 'Refuses every request: no response type is supported (RFC 6749 section 4.1.2.1)',
    roles: 'public',
  })
  authorize(@Query(anyQuery) _query: unknown): never {
    throw new OAuthRefused(
      'unsupported_response_type',
      `there is no authorization code: people sign in at their identity provider; get a token at the token endpoint with grant_type ${JWT_BEARER} or ${CLIENT_CREDENTIALS}`,
    );
  }

  @Endpoint({
    method: 'POST',
    path: '/oauth/token',
    summary:
      'Delegate by token exchange (RFC 8693); open a run by an identity assertion (RFC 7523) or as a client (RFC 6749)',
    roles: 'public',
    takesText: LIMITS.httpBodyBytes,
    answer: tokenAnswer,
  })
  async token(@Ctx() context: RequestContext, @Text() text: string): Promise<Reply> {
    const { request, form } = read(context, text);
    return this.slots.within(request.raw, async () => Reply.json(await this.granted(request, form), NO_STORE));
  }

  private async granted(request: Incoming, form: Form): Promise<TokenResponse> {
    switch (form.need('grant_type')) {
      case TOKEN_EXCHANGE:
        return this.exchanges.exchange(request, form, await this.clients.authenticate(request, form));
      case JWT_BEARER:
        return this.assertions.open(request, form, await this.opener(request, form));
      case CLIENT_CREDENTIALS:
        return this.credentials.open(request, form, await this.opener(request, form));
      default:
        throw new OAuthRefused('unsupported_grant_type', `grant_type: send one of ${GRANT_TYPES.join(', ')}`);
    }
  }

  private opener(request: Incoming, form: Form): Promise<Client> {
    return this.known(request, this.clients.require(request, form, OPENERS));
  }

  /** Takes a slot of the tenant of an authenticated caller. */
  private async known<C extends { readonly tenant: string }>({ raw }: Incoming, pending: Promise<C>): Promise<C> {
    const caller = await pending;
    this.slots.ofTenant(raw, caller.tenant);
    return caller;
  }

  @Endpoint({
    method: 'POST',
    path: '/oauth/introspect',
    summary: 'Whether the lease of a token is live, and its limits (RFC 7662); for clients, and runs above it',
    roles: 'public',
    takesText: LIMITS.submissionBytes,
    answer: z.object({ active: z.boolean() }),
  })
  async introspect(@Ctx() context: RequestContext, @Text() text: string): Promise<Reply> {
    const { request, form } = read(context, text);
    const token = form.need('token');
    const roles = ['orchestrator', 'enforcer', 'approver', 'responder', 'analyst'] as const;
    return this.slots.within(request.raw, async () => {
      const caller = await this.known(request, this.clients.callerOf(request, form, roles));
      return Reply.json(await this.live.introspect(caller, token), NO_STORE);
    });
  }

  @Endpoint({
    method: 'POST',
    path: '/oauth/revoke',
    summary: 'Revoke the lease of a token and everything below it (RFC 7009)',
    roles: 'public',
    takesText: LIMITS.submissionBytes,
  })
  async revoke(@Ctx() context: RequestContext, @Text() text: string): Promise<Reply> {
    const { request, form } = read(context, text);
    const token = form.need('token');
    return this.slots.within(request.raw, async () => {
      const caller = await this.known(request, this.clients.callerOf(request, form, ['responder', 'orchestrator']));
      await this.live.revoke(caller, request, token);
      return Reply.json({}, NO_STORE);
    });
  }
}

/** The request as its commands need it: the whole form is what an Idempotency-Key stands for. */
function read({ request }: RequestContext, text: string): { request: Incoming; form: Form } {
  const { url, headers, raw } = request;
  const incoming = { method: 'POST', url, headers, raw, params: {}, query: {}, body: Buffer.from(text) };
  return { request: incoming, form: Form.parse(text, request.headers['content-type']) };
}
