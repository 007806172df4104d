import { z } from 'zod';
import type { Outbound } from '@bailiwick/platform/outbound/outbound';
import { NotReached } from '../connection';
import type { Credentials } from '../credentials';
import { metadataOf, readJson, type IssuerMetadata } from './metadata';

export interface ClientSettings {
  /** exactly as in the metadata of the authorization server */
  readonly issuer: string;
  readonly clientId: string;
  /** read for each token, so that it can be replaced. @throws NotReached */
  readonly clientSecret: () => string;
  readonly scope: string | undefined;
  /** the upstream, which the token is for (RFC 8707) */
  readonly resource: string;
}

/** A token is replaced this long before it ends, ms; one without a stated end is kept for a minute. */
const EARLIER_MS = 30_000;
const UNSTATED_MS = 60_000;

const tokenAnswer = z.object({
  access_token: z.string().regex(/^[\x21-\x7e]{1,8192}$/),
  token_type: z.string().regex(/^bearer$/i),
  expires_in: z.number().positive().optional(),
});
const refusal = z.object({ error: z.string().regex(/^[\w.-]{1,80}$/) });

/**
 * The token of this installation for an upstream (RFC 6749 section 4.4). It is requested when it is needed, by one request
 * for all calls that wait for it, and kept in memory alone.
 */
export class ClientCredentials implements Credentials {
  private token: { readonly text: string; readonly until: number } | undefined;
  private asking: Promise<string> | undefined;

  constructor(
    private readonly settings: ClientSettings,
    private readonly outbound: Outbound,
    private readonly now: () => number = () => performance.now(),
  ) {}

  async headers(): Promise<Record<string, string>> {
    const known = this.token;
    if (known && this.now() < known.until) return { authorization: `Bearer ${known.text}` };
    this.asking ??= this.ask().finally(() => (this.asking = undefined));
    return { authorization: `Bearer ${await this.asking}` };
  }

  /** The upstream has refused the token: the next request gets another. */
  refused(): void {
    this.token = undefined;
  }

  private async ask(): Promise<string> {
    const { issuer, clientId, clientSecret, scope, resource } = this.settings;
    const metadata = await metadataOf(issuer, this.outbound);
    const form = new URLSearchParams({ grant_type: 'client_credentials', resource, ...(scope && { scope }) });
    const headers: Record<string, string> = { 'content-type': 'application/x-www-form-urlencoded' };
    if (takesBasic(metadata)) headers.authorization = basic(clientId, clientSecret());
    else {
      form.set('client_id', clientId);
      form.set('client_secret', clientSecret());
    }
    const { status, body } = await readJson(this.outbound, metadata.token_endpoint, {
      method: 'POST',
      headers,
      body: form.toString(),
    });
    const parsed = status === 200 ? tokenAnswer.safeParse(body) : undefined;
    if (!parsed?.success) {
      const why = refusal.safeParse(body);
      throw new NotReached(`the issuer ${issuer} gave no token${why.success ? `: ${why.data.error}` : ` (${status})`}`);
    }
    const { access_token: text, expires_in: seconds } = parsed.data;
    const keptMs = seconds === undefined ? UNSTATED_MS : seconds * 1_000 - EARLIER_MS;
    this.token = { text, until: this.now() + keptMs };
    return text;
  }
}

/** `client_secret_basic` is what an authorization server takes that states nothing (RFC 8414 section 2). */
const takesBasic = ({ token_endpoint_auth_methods_supported: methods }: IssuerMetadata): boolean =>
  methods === undefined || methods.includes('client_secret_basic') || !methods.includes('client_secret_post');

const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${encoded(id)}:${encoded(secret)}`).toString('base64')}`;
/** As in a form (RFC 6749 section 2.3.1). */
const encoded = (text: string): string => new URLSearchParams({ text }).toString().slice('text='.length);
