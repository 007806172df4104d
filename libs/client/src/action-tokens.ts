import { createLocalJWKSet, createRemoteJWKSet, jwtVerify, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { systemClock } from '@bailiwick/core/clock';
import { canonicalDigest } from '@bailiwick/core/digest';

/** The claims of the token of one permitted call. */
export interface ActionClaims {
  readonly iss: string;
  readonly aud: string;
  /** the person or service in whose name the call is made */
  readonly sub: string;
  /** the run that makes it, with the runs above it nested in it */
  readonly act: Actor;
  /** the permitted action */
  readonly jti: string;
  /** s since 1970, as all times of a token */
  readonly iat: number;
  readonly exp: number;
  /** end of the permit: how long a used `jti` is remembered */
  readonly use_until: number;
  readonly tenant: string;
  readonly tree: string;
  readonly grant: string;
  readonly purpose?: string;
  readonly action: { readonly verb: string; readonly tool?: string; readonly argsDigest?: string };
  readonly resource: { readonly type: string; readonly id: string };
}

export interface Actor {
  readonly sub: string;
  readonly act?: Actor;
}

/** The call that a tool is about to perform. A member that is left out is not compared, except arguments. */
export interface ExpectedCall {
  readonly verb: string;
  readonly resource?: { readonly type?: string; readonly id?: string };
  /** the arguments as the tool received them, if it takes any: the permit must be for exactly these */
  readonly args?: Readonly<Record<string, unknown>>;
  /** accepts a permit whatever its arguments are: for tools that take none, or check them in another way */
  readonly anyArgs?: true;
}

/** Remembers used tokens, for tools of several processes. Resolves to false if it has the id. */
export type UsedTokens = (jti: string, until: Date) => Promise<boolean>;

export interface ActionTokenOptions {
  /** the address of Bailiwick, exactly as its metadata states it */
  readonly issuer: string;
  /** the address of this tool, exactly as enforcement points request tokens for it */
  readonly audience: string;
  /** the public keys, or their address; left out: `<issuer>/oauth/jwks` */
  readonly jwks?: JSONWebKeySet | URL;
  /** s by which the clocks may differ; 5 unless stated */
  readonly clockSkew?: number;
  /** used tokens that this process remembers; 100,000 unless stated. Beyond it, tokens are refused */
  readonly remembered?: number;
  /** replaces the memory of this process */
  readonly used?: UsedTokens;
  /** ms since 1970 */
  readonly now?: () => number;
}

/** Why a token is not accepted, with the HTTP status to answer. */
export class ActionTokenError extends Error {
  constructor(
    readonly status: 401 | 403 | 503,
    readonly code: 'missing' | 'invalid' | 'used' | 'another_call' | 'busy',
    detail: string,
  ) {
    super(detail);
  }
}

/** Verifies tokens of permitted calls without asking Bailiwick, and accepts each once. */
export class ActionTokens {
  private readonly key: JWTVerifyGetKey;
  private readonly now: () => number;
  private readonly used: UsedTokens;

  constructor(private readonly options: ActionTokenOptions) {
    const { issuer, jwks = new URL(`${issuer}/oauth/jwks`), now = () => systemClock.now() } = options;
    this.key = jwks instanceof URL ? createRemoteJWKSet(jwks) : createLocalJWKSet(jwks);
    this.now = now;
    this.used = options.used ?? remember(options.remembered ?? 100_000, now);
  }

  /**
   * Accepts a token for one call. A token that is not for this call is not used up.
   * @throws ActionTokenError
   */
  async accept(token: string | undefined, call: ExpectedCall): Promise<ActionClaims> {
    if (token === undefined || token === '') throw new ActionTokenError(401, 'missing', 'send the token of the call');
    const claims = await this.verified(token);
    const differs = differenceOf(claims, call);
    if (differs !== undefined) throw new ActionTokenError(403, 'another_call', `the token is for ${differs}`);
    if (!(await this.used(claims.jti, new Date((claims.use_until + this.skew) * 1_000))))
      throw new ActionTokenError(403, 'used', 'the token was used before');
    return claims;
  }

  private get skew(): number {
    return this.options.clockSkew ?? 5;
  }

  private async verified(token: string): Promise<ActionClaims> {
    const { issuer, audience } = this.options;
    try {
      const { payload } = await jwtVerify(token, this.key, {
        issuer,
        audience,
        typ: 'bailiwick-action+jwt',
        algorithms: ['EdDSA'],
        clockTolerance: this.skew,
        requiredClaims: ['sub', 'act', 'jti', 'iat', 'exp', 'use_until', 'action', 'resource'],
        currentDate: new Date(this.now()),
      });
      if (typeof payload.aud !== 'string') throw new Error('it is for several audiences');
      return payload as unknown as ActionClaims;
    } catch (error) {
      throw new ActionTokenError(401, 'invalid', `the token is not valid: ${(error as Error).message}`);
    }
  }
}

/** Returns how a permit differs from a call; undefined if it does not. */
function differenceOf({ action, resource }: ActionClaims, call: ExpectedCall): string | undefined {
  if (action.verb !== call.verb) return `the action ${action.verb}`;
  const { type = resource.type, id = resource.id } = call.resource ?? {};
  if (resource.type !== type || resource.id !== id) return `the resource ${resource.type}:${resource.id}`;
  if (call.anyArgs) return undefined;
  if (call.args === undefined && action.argsDigest === undefined) return undefined;
  return action.argsDigest === canonicalDigest(call.args ?? {}) ? undefined : 'other arguments';
}

/** A memory of one process. Nothing is forgotten before its time: when it is full, tokens are refused. */
function remember(most: number, now: () => number): UsedTokens {
  const until = new Map<string, number>();
  return (jti, end) => {
    if (until.has(jti)) return Promise.resolve(false);
    if (until.size >= most) for (const [each, at] of until) if (at < now()) until.delete(each);
    if (until.size >= most)
      return Promise.reject(new ActionTokenError(503, 'busy', 'too many calls at the moment; try again'));
    until.set(jti, end.getTime());
    return Promise.resolve(true);
  };
}
