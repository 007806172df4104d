import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { GrantTokens } from '../auth/grant-tokens';
import { Ctx, Endpoint, Text } from '../http/endpoints/endpoint';
import { OAuthRefused } from '../http/problems/oauth-error';
import type { Incoming, RequestContext } from '../http/request-context';
import { Reply } from '../http/responses/http-response';
import { OAuthClients } from './clients';
import { Form } from './form';
import { IdentityAssertions, JWT_BEARER } from './identity-assertions';
import { LiveTokens } from './live-tokens';
import { serverMetadata } from './metadata';
import { OAuthSlots } from './oauth-slots';
import { TOKEN_EXCHANGE, TokenExchange, type TokenResponse } from './token-exchange';

/** The roles of a client that opens runs. */
const OPENERS = ['orchestrator'] as const;
const NO_STORE = { headers: { 'cache-control': 'no-store' } };
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
    return Reply.json(serverMetadata(this.tokens.issuer, [TOKEN_EXCHANGE, JWT_BEARER]), {
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

  @Endpoint({
    method: 'POST',
    path: '/oauth/token',
    summary: 'Delegate by token exchange (RFC 8693), or open a run by an identity assertion (RFC 7523)',
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
        return this.assertions.open(
          request,
          form,
          await this.known(request, this.clients.require(request, form, OPENERS)),
        );
      default:
        throw new OAuthRefused('unsupported_grant_type', `grant_type: send ${TOKEN_EXCHANGE} or ${JWT_BEARER}`);
    }
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
