import { createHash, randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { isSafeAddress } from '@bailiwick/core/safe-address';
import { z } from 'zod';
import { boundedFetch, boundedPost, IssuerUnreachable } from '../auth/issuers/bounded-fetch';
import type { ConsoleClient, IssuerConfig } from '../auth/issuers/issuer-config';
import { Issuers, type VerifiedToken } from '../auth/issuers/issuers';
import { signedIn, type SignedIn } from '../auth/issuers/people';
import { SessionSecrets } from '../auth/sessions/session-secrets';
import { CONFIG, type GatewayConfig } from '../config';
import { Refused } from '../http/problems/problem';

/** Where an issuer sends the browser back. */
export const CALLBACK = '/v1/session/callback';

const metadata = z.looseObject({
  issuer: z.string(),
  authorization_endpoint: z.string().refine(isSafeAddress),
  token_endpoint: z.string().refine(isSafeAddress),
  authorization_response_iss_parameter_supported: z.boolean().optional(),
});
const tokens = z.looseObject({ id_token: z.string().max(64_000), access_token: z.string().max(64_000).optional() });

/** A sign-in that has started, in the browser that started it. */
const transaction = z.strictObject({
  issuer: z.string(),
  state: z.string(),
  nonce: z.string(),
  verifier: z.string(),
  returnTo: z.string(),
  /** ms */
  until: z.number(),
});
type Transaction = z.infer<typeof transaction>;

/** An authorization response. */
export interface AuthorizationResponse {
  readonly state: string;
  readonly code?: string | undefined;
  readonly iss?: string | undefined;
  readonly error?: string | undefined;
}
interface Configured {
  readonly config: IssuerConfig;
  readonly client: ConsoleClient;
}

/**
 * Signs people in with the authorization code and PKCE (RFC 6749, RFC 7636; OpenID Connect Core section 3.1). What a
 * response is bound to is in an encrypted cookie of the browser that started the sign-in: any gateway can finish it, and
 * no other browser can.
 */
@Injectable()
export class CodeSignIn {
  constructor(
    private readonly issuers: Issuers,
    private readonly secrets: SessionSecrets,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  /** The issuers at which people sign in to the console. */
  get configured(): readonly string[] {
    return this.issuers.configured.flatMap(({ issuer, console: client }) => (client ? [issuer] : []));
  }

  /**
   * @param issuer left out: the only one
   * @param returnTo a page of the console
   * @returns the address to which the browser goes, and the value of its cookie
   */
  async start(issuer: string | undefined, returnTo: string): Promise<{ location: string; sealed: string }> {
    const { config, client } = this.find(issuer ?? (this.configured.length === 1 ? this.configured[0] : undefined));
    const { authorization_endpoint: endpoint } = await this.metadataOf(config);
    const [state, nonce, verifier] = [random(), random(), random()] as const;
    const started: Transaction = {
      ...{ issuer: config.issuer, state, nonce, verifier, returnTo },
      until: systemClock.now() + LIMITS.sessions.signInMs,
    };
    const location = new URL(endpoint);
    const parameters = {
      ...{ response_type: 'code', client_id: client.clientId, redirect_uri: this.redirectUri, scope: client.scope },
      ...{ state, nonce, code_challenge: challengeOf(verifier), code_challenge_method: 'S256' },
      ...(client.resource === undefined ? {} : { resource: client.resource }),
    };
    for (const [name, value] of Object.entries(parameters)) location.searchParams.set(name, value);
    return { location: location.toString(), sealed: this.secrets.seal(started) };
  }

  /**
   * @param sealed the cookie of `start`
   * @throws Refused UNAUTHENTICATED; NOT_READY if the issuer cannot be reached
   */
  async finish(
    response: AuthorizationResponse,
    sealed: string | undefined,
  ): Promise<{ person: SignedIn; returnTo: string }> {
    const started = this.started(sealed, response.state);
    const { config, client } = this.find(started.issuer);
    const { token_endpoint: endpoint, authorization_response_iss_parameter_supported: names } =
      await this.metadataOf(config);
    if (response.iss === undefined ? names === true : response.iss !== config.issuer)
      throw refused('the response is of another issuer');
    if (response.code === undefined) throw refused(`the issuer answered ${response.error ?? 'without a code'}`);
    const issued = await this.redeem(endpoint, client, response.code, started.verifier);
    const person = signedIn(await this.verified(started, config, client, issued));
    return { person, returnTo: started.returnTo };
  }

  /** Returns the tenant of a sign-in that was started in this browser, if its issuer signs in people of one tenant only. */
  tenantOf(sealed: string | undefined): string | undefined {
    const parsed = transaction.safeParse(sealed === undefined ? undefined : this.secrets.open(sealed));
    const found = this.issuers.configured.find(({ issuer }) => parsed.success && issuer === parsed.data.issuer);
    return typeof found?.tenant === 'string' ? found.tenant : undefined;
  }

  private get redirectUri(): string {
    return this.config.publicUrl.replace(/\/$/, '') + CALLBACK;
  }

  private find(issuer: string | undefined): Configured {
    const config = this.issuers.configured.find((each) => each.issuer === issuer && each.console);
    if (!config?.console)
      throw new Refused('NOT_FOUND', 'no such issuer signs people in to the console (GET /v1/sign-in)');
    return { config, client: config.console };
  }

  private started(sealed: string | undefined, state: string): Transaction {
    const parsed = transaction.safeParse(sealed === undefined ? undefined : this.secrets.open(sealed));
    if (!parsed.success || parsed.data.state !== state)
      throw refused('it was not started in this browser, or another one was started since; start again');
    if (parsed.data.until <= systemClock.now()) throw refused('it took too long; start again');
    return parsed.data;
  }

  private async metadataOf({ issuer }: IssuerConfig): Promise<z.infer<typeof metadata>> {
    return unlessUnreachable(async () => {
      const response = await boundedFetch(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
      const parsed = metadata.safeParse(await response.json());
      if (!parsed.success || parsed.data.issuer !== issuer)
        throw new IssuerUnreachable(`the metadata of ${issuer} is malformed, or of another issuer`);
      return parsed.data;
    });
  }

  private async redeem(
    endpoint: string,
    client: ConsoleClient,
    code: string,
    verifier: string,
  ): Promise<z.infer<typeof tokens>> {
    const form = {
      ...{ grant_type: 'authorization_code', code, redirect_uri: this.redirectUri, code_verifier: verifier },
      ...(client.clientSecret === undefined ? { client_id: client.clientId } : {}),
      ...(client.resource === undefined ? {} : { resource: client.resource }),
    };
    return unlessUnreachable(async () => {
      const response = await boundedPost(endpoint, form, basic(client));
      const parsed = tokens.safeParse(await response.json());
      if (!parsed.success) throw new IssuerUnreachable('the issuer returned no ID token');
      return parsed.data;
    });
  }

  /** Verifies the tokens, and returns the one whose claims describe the person. */
  private async verified(
    { nonce }: Transaction,
    config: IssuerConfig,
    { clientId, token }: ConsoleClient,
    { id_token: idToken, access_token: accessToken }: z.infer<typeof tokens>,
  ): Promise<VerifiedToken> {
    const id = await this.issuers.verify(idToken, { types: ['jwt', undefined], audience: clientId, client: clientId });
    if (id.issuer.issuer !== config.issuer) throw refused('the token is of another issuer');
    if (id.claims.nonce !== nonce) throw refused('the token is of another sign-in');
    if (token === 'id') return id;
    const access = await this.issuers.verify(accessToken ?? '');
    if (access.issuer.issuer !== config.issuer || access.claims.sub !== id.claims.sub)
      throw refused('the access token is of another person or issuer');
    return access;
  }
}

const random = (): string => randomBytes(32).toString('base64url');
const challengeOf = (verifier: string): string => createHash('sha256').update(verifier).digest('base64url');
const refused = (why: string): Refused => new Refused('UNAUTHENTICATED', `the sign-in failed: ${why.slice(0, 200)}`);

/** RFC 6749 section 2.3.1: both are encoded as in a form. */
function basic({ clientId, clientSecret }: ConsoleClient): Readonly<Record<string, string>> {
  if (clientSecret === undefined) return {};
  const pair = [clientId, clientSecret].map((each) => encodeURIComponent(each)).join(':');
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` };
}

async function unlessUnreachable<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof IssuerUnreachable || error instanceof SyntaxError)
      throw new Refused('NOT_READY', `the issuer cannot be used: ${error.message}`);
    throw error;
  }
}
