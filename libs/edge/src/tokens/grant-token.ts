import { hash } from 'node:crypto';
import {
  calculateJwkThumbprint,
  decodeProtectedHeader,
  EmbeddedJWK,
  jwtVerify,
  type JWTPayload,
  type JWTVerifyOptions,
} from 'jose';
import { z } from 'zod';
import { jkt } from '@bailiwick/contracts/grants/grant';
import { Refused } from '../refused';
import { isSameAddress } from './addresses';
import type { Proof } from './dpop-proofs';

/** The claims of a grant token. It identifies a grant and carries no authority: every decision reads the live grant. */
export interface TokenClaims {
  readonly tenant: string;
  readonly runId: string;
  readonly grantId: string;
  readonly jkt: string | undefined;
  readonly expiresAt: number;
  /** the resources that the token is for, if it is not for the whole API */
  readonly audience?: readonly string[];
}

/** What every grant token is: an EdDSA JWT of this type that ends. */
export const TOKEN_FORM = {
  algorithms: ['EdDSA'],
  typ: 'at+jwt',
  requiredClaims: ['exp'],
} satisfies JWTVerifyOptions;

/**
 * Reads the claims of a grant token whose signature, issuer, type and time are valid.
 * @param whole the resource that is the whole installation
 * @param isOurs reports whether a token for a resource may be used here; one for several needs one such resource
 * @throws Error naming the claim that is missing or does not fit
 */
export function claimsOf(payload: JWTPayload, whole: string, isOurs: (resource: string) => boolean): TokenClaims {
  const audience = [payload.aud ?? []].flat();
  if (audience.length === 0) throw new Error('it names no audience');
  if (!audience.some(isOurs)) throw new Error('it is for another audience');
  // the tokens of earlier releases have the run in `sub`, its parent in `act`, and no client
  const runId = payload.client_id === undefined ? payload.sub : actingRun(payload.act);
  return {
    tenant: text(payload.tenant),
    runId: text(runId),
    grantId: text(payload.grant),
    jkt: boundTo(payload.cnf),
    expiresAt: (payload.exp ?? 0) * 1_000,
    ...(audience.includes(whole) ? {} : { audience }),
  };
}

interface Actor {
  readonly sub: string;
  readonly act?: Actor;
}

/** The acting run, with the runs above it nested in it. Only the outermost one counts for access (RFC 8693 §4.1). */
export function actorOf([acting = '', ...above]: readonly string[]): Actor {
  return above.length === 0 ? { sub: acting } : { sub: acting, act: actorOf(above) };
}

/** Returns the acting run. Runs nested below it are history and are not read. */
function actingRun(act: unknown): unknown {
  return (act as Partial<Actor> | undefined)?.sub;
}

function text(value: unknown): string {
  if (typeof value !== 'string' || value === '') throw new Error('a claim is missing');
  return value;
}

/** Returns the thumbprint of the key that a token is bound to. An unknown kind of binding is an error (I11). */
function boundTo(cnf: unknown): string | undefined {
  if (cnf === undefined) return undefined;
  const parsed = z.strictObject({ jkt }).safeParse(cnf);
  if (!parsed.success) throw new Error('cnf names no key thumbprint');
  return parsed.data.jkt;
}

/** The key that a DPoP proof was made with, and what its acceptance depends on (RFC 9449 section 4.3). */
export interface CheckedProof {
  readonly thumbprint: string;
  readonly payload: JWTPayload;
}

/** Signature algorithms of DPoP proofs. */
export const PROOF_ALGORITHMS = ['EdDSA', 'Ed25519', 'ES256', 'ES384', 'PS256', 'RS256'];

/** Checks that a proof is signed by the key in it, and names this method and address. @see RFC 9449 §4.3 */
export async function readProof(proof: string, method: string, url: string): Promise<CheckedProof> {
  let checked: CheckedProof;
  try {
    const { payload } = await jwtVerify(proof, EmbeddedJWK, { typ: 'dpop+jwt', algorithms: PROOF_ALGORITHMS });
    const { jwk } = decodeProtectedHeader(proof);
    if (!jwk || 'd' in jwk) throw new Error('the header has no public key in jwk');
    checked = { payload, thumbprint: await calculateJwkThumbprint(jwk, 'sha256') };
  } catch (error) {
    throw badProof((error as Error).message);
  }
  const { payload } = checked;
  if (payload.htm !== method) throw badProof('htm is not the method of the request');
  if (!isSameAddress(payload.htu, url)) throw badProof('htu is not the address of the request');
  return checked;
}

export const useOf = (tenant: string, thumbprint: string, { jti, iat, nonce }: JWTPayload) => ({
  tenant,
  thumbprint,
  jti,
  issuedAt: Number(iat) * 1_000,
  nonce,
});

const badProof = (why: string): Refused => new Refused('DPOP_INVALID', `the DPoP proof is not valid: ${why}`);

/** A proof with the token and the request that it is for. */
interface PresentedProof {
  readonly proof: string;
  readonly token: string;
  readonly claims: TokenClaims;
  readonly method: string;
  readonly url: string;
}

/** Checks that a proof is for its token, and returns what is taken once. @throws Refused DPOP_INVALID */
export async function proofOfToken({ proof, token, claims, method, url }: PresentedProof): Promise<Proof> {
  const { payload, thumbprint } = await readProof(proof, method, url);
  if (payload.ath !== hash('sha256', token, 'base64url')) throw badProof('ath is not the digest of the token');
  if (thumbprint !== claims.jkt) throw badProof('its key is not the one that the token is bound to');
  return useOf(claims.tenant, thumbprint, payload);
}
