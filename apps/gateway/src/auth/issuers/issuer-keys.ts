import { createRemoteJWKSet, customFetch, type JWTVerifyGetKey } from 'jose';
import { LIMITS } from '@bailiwick/core/limits';
import { isSafeAddress } from '@bailiwick/core/safe-address';
import { boundedFetch, IssuerUnreachable } from './bounded-fetch';

/**
 * The public keys of one issuer. They are found by discovery (OpenID Connect Discovery 1.0 section 4) unless their address
 * is configured, and fetched again for a key that is not among them, at most once in `LIMITS.issuers.refetchMs`: a sender
 * of made-up key ids, or of tokens while the issuer is down, causes no more requests than that.
 */
export class IssuerKeys {
  private keys: { readonly get: JWTVerifyGetKey; readonly at: number } | undefined;
  private finding: Promise<JWTVerifyGetKey> | undefined;
  private failed: { readonly at: number; readonly error: IssuerUnreachable } | undefined;
  /** the number of the newest fetch of keys that started, and of the newest that brought keys */
  private started = 0;
  private brought = 0;

  constructor(
    private readonly issuer: string,
    private readonly jwksUri: string | undefined,
    private readonly now: () => number,
    /** where its metadata are, with `issuer` and `jwks_uri` */
    private readonly metadata: string = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`,
  ) {}

  /** Finds the key of a token's header, as `jwtVerify` asks for it. @throws IssuerUnreachable */
  readonly find: JWTVerifyGetKey = async (header, token) => (await this.ready())(header, token);

  /** The number of fetches of keys that started until now. */
  get fetches(): number {
    return this.started;
  }

  /**
   * Reports whether keys were fetched, from the start to the end, since there were this many fetches. A key that is not
   * known without that may be a new one.
   */
  hasFetchedSince(fetches: number): boolean {
    return this.brought > fetches;
  }

  private ready(): Promise<JWTVerifyGetKey> {
    if (this.keys && this.now() - this.keys.at < LIMITS.issuers.discoveryMs) return Promise.resolve(this.keys.get);
    this.finding ??= this.discover().finally(() => (this.finding = undefined));
    return this.finding;
  }

  private async discover(): Promise<JWTVerifyGetKey> {
    const uri = this.jwksUri ?? (await this.discoveredUri());
    const get = createRemoteJWKSet(new URL(uri), {
      cooldownDuration: LIMITS.issuers.refetchMs,
      cacheMaxAge: LIMITS.issuers.keysMs,
      timeoutDuration: 2 * LIMITS.issuers.fetchMs, // `read` has a time-out
      [customFetch]: (url, { headers }) => this.readKeys(url, headers),
    });
    this.keys = { get, at: this.now() };
    return get;
  }

  /**
   * The `issuer` member of the metadata must be the configured text: another one is another issuer (mix-up, RFC 9207
   * section 2.4).
   */
  private async discoveredUri(): Promise<string> {
    const response = await this.read(this.metadata);
    const { issuer, jwks_uri: uri } = ((await response.json()) ?? {}) as { issuer?: unknown; jwks_uri?: unknown };
    if (issuer !== this.issuer) throw this.remember(`its metadata is of ${String(issuer).slice(0, 200)}`);
    if (typeof uri !== 'string' || !isSafeAddress(uri)) throw this.remember('its jwks_uri is not an https URL');
    return uri;
  }

  private async readKeys(url: string, headers: RequestInit['headers']): Promise<Response> {
    const nth = (this.started += 1);
    const response = await this.read(url, headers, isKeySet);
    this.brought = nth;
    return response;
  }

  /** @param isMeant whether a document is what should be there: maintenance pages may be JSON, too */
  private async read(
    url: string,
    headers?: RequestInit['headers'],
    isMeant: (document: unknown) => boolean = () => true,
  ): Promise<Response> {
    if (this.failed && this.now() - this.failed.at < LIMITS.issuers.refetchMs) throw this.failed.error;
    try {
      const response = await boundedFetch(url, headers);
      if (!isMeant(JSON.parse(await response.clone().text()))) throw new Error(`${url} has no JSON Web Key Set`);
      return response;
    } catch (error) {
      throw this.remember((error as Error).message);
    }
  }

  private remember(why: string): IssuerUnreachable {
    const error = new IssuerUnreachable(`the issuer ${this.issuer} cannot be used: ${why}`);
    this.failed = { at: this.now(), error };
    return error;
  }
}

/** Reports whether a document has the form of a JSON Web Key Set (RFC 7517 section 5). */
function isKeySet(document: unknown): boolean {
  const { keys } = (document ?? {}) as { keys?: unknown };
  return Array.isArray(keys) && keys.every((key) => typeof key === 'object' && key !== null && !Array.isArray(key));
}
