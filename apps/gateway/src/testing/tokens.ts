import { createHash, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { calculateJwkThumbprint, exportJWK, SignJWT, type JWTPayload } from 'jose';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { Refused } from '../http/problems/problem';
import { ProofMemory } from '@bailiwick/core/proof-memory';
import { Proofs, type ProofPort } from '@bailiwick/edge/tokens/dpop-proofs';
import { GrantTokens } from '../auth/grant-tokens';
import { keySetOf, TokenKeys } from '../auth/token-keys';

export const ISSUER = 'https://bailiwick.example';
/** The time of all tests that use tokens; the tests set the clock. */
export const NOW = Date.parse('2026-03-01T12:00:00Z');

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
export const SIGNING_KEY: KeyObject = privateKey;
export const PUBLIC_KEY: KeyObject = publicKey;
export const PEM = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();

export const KID = keySetOf(PEM).signing.kid;

export interface Clock {
  now: number;
}
/** Makes the memory of proofs that gateways share. */
export function proofMemory(clock: Clock, epoch = 'one', since?: number): ProofPort {
  const memory = new ProofMemory(() => clock.now);
  return (tenant, use) => {
    if (!use || (use.epoch !== undefined && use.epoch !== epoch)) return Promise.resolve({ verdict: 'nonce', epoch });
    const verdict = memory.take({ tenant, ...use, hasNonce: use.epoch !== undefined }, since);
    return Promise.resolve({ verdict, epoch });
  };
}
const SECRET = Buffer.alloc(32, 3);
export const proofsAt = (clock: Clock, memory = proofMemory(clock), options = {}): Proofs =>
  new Proofs(() => clock.now, SECRET, memory, options);
export const tokensAt = (clock: Clock, proofs = proofsAt(clock)): GrantTokens =>
  new GrantTokens(new TokenKeys(undefined, () => clock.now, keySetOf(PEM)), ISSUER, () => clock.now, proofs);

export const PRINCIPAL = 'user:ada@example.com';
export const RUN_ID = 'run_0_00000000000000000000000001';
export const PARENT_ID = 'run_0_00000000000000000000000002';
export const GRANT_ID = 'grt_0_00000000000000000000000003';
export const TREE_ID = 'tre_0_00000000000000000000000004';

/** Makes a run and its grant with the members that a token contains. */
export function granted(more: { parentRunId?: string; jkt?: string; ttlMs?: number } = {}): [RunView, GrantView] {
  const { parentRunId, jkt, ttlMs = 3_600_000 } = more;
  const run = {
    id: RUN_ID,
    treeId: TREE_ID,
    requestedBy: PRINCIPAL,
    ...(parentRunId ? { parentRunId } : {}),
  } as RunView;
  const grant = {
    id: GRANT_ID,
    treeId: TREE_ID,
    runId: RUN_ID,
    issuedAt: new Date(NOW).toISOString(),
    limits: { session: jkt ? { jkt } : {}, time: { expiresAt: new Date(NOW + ttlMs).toISOString() } },
  } as GrantView;
  return [run, grant];
}

/** The claims of a valid token, with the given ones changed or, if undefined, left out. */
export function claims(changed: JWTPayload = {}): JWTPayload {
  const iat = NOW / 1_000;
  const valid = {
    tenant: 'default',
    grant: GRANT_ID,
    tree: TREE_ID,
    iss: ISSUER,
    aud: ISSUER,
    sub: PRINCIPAL,
    act: { sub: RUN_ID },
    client_id: RUN_ID,
    jti: `${GRANT_ID}.${NOW / 1_000}`,
  };
  const all = { ...valid, iat, exp: iat + 3_600, ...changed };
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined));
}

export function signed(payload: JWTPayload, key: KeyObject | Uint8Array = SIGNING_KEY, header = {}): Promise<string> {
  return new SignJWT(payload).setProtectedHeader({ alg: 'EdDSA', typ: 'at+jwt', ...header }).sign(key);
}

export interface HolderKey {
  readonly privateKey: KeyObject;
  readonly jwk: Record<string, unknown>;
  readonly jkt: string;
}
export async function holderKey(type: 'ed25519' | 'ec' = 'ed25519'): Promise<HolderKey> {
  const pair = type === 'ec' ? generateKeyPairSync('ec', { namedCurve: 'P-256' }) : generateKeyPairSync('ed25519');
  const jwk = await exportJWK(pair.publicKey);
  return { privateKey: pair.privateKey, jwk: { ...jwk }, jkt: await calculateJwkThumbprint(jwk, 'sha256') };
}

export const METHOD = 'POST';
export const URL_ = `${ISSUER}/v1/actions`;
export const athOf = (token: string): string => createHash('sha256').update(token).digest('base64url');

/** Makes a DPoP proof that is valid except for the given changes. @see RFC 9449 §4.2 */
export function proofOf(
  holder: HolderKey,
  token: string,
  changed: Record<string, unknown> = {},
  header: Record<string, unknown> = {},
  key: KeyObject | Uint8Array = holder.privateKey,
): Promise<string> {
  const alg = holder.jwk.kty === 'EC' ? 'ES256' : 'EdDSA';
  const valid = { htm: METHOD, htu: URL_, iat: NOW / 1_000, jti: randomUUID(), ath: athOf(token) };
  const payload = Object.fromEntries(
    Object.entries({ ...valid, ...changed }).filter(([, value]) => value !== undefined),
  );
  return new SignJWT(payload).setProtectedHeader({ alg, typ: 'dpop+jwt', jwk: holder.jwk, ...header }).sign(key);
}

/** Returns the refusal with which the work fails. @throws Error if the work succeeds */
export async function refusalOf(work: Promise<unknown>): Promise<Refused> {
  const outcome = await work.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  if (!('error' in outcome)) throw new Error(`expected a refusal, got ${JSON.stringify(outcome.value)}`);
  if (!(outcome.error instanceof Refused)) throw outcome.error;
  return outcome.error;
}
