import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { ProofView, Query } from '@bailiwick/contracts/queries/query';
import { LIMITS } from '@bailiwick/core/limits';
import { Refused } from '../refused';

/** The claims of a proof whose signature is valid. */
export interface Proof {
  readonly tenant: string;
  readonly thumbprint: string;
  readonly jti: unknown;
  /** in ms; NaN if the proof has none */
  readonly issuedAt: number;
  readonly nonce: unknown;
}

export type ProofUse = NonNullable<Extract<Query, { op: 'proof' }>['use']>;

/** Remembers the proofs of a tenant, once for all gateways. Without a use, it reports only its epoch. */
export type ProofPort = (tenant: string, use: ProofUse | undefined) => Promise<ProofView>;

export interface ProofOptions {
  /** requires a nonce in every proof, so that none can be made in advance (RFC 9449 section 11.2) */
  readonly alwaysNonce?: boolean;
}

const NONCE_MS = 60_000;
const NONCE = /^([\w-]{1,64})\.([\w-]{43})$/;

/**
 * Accepts each DPoP proof once at all gateways of an installation (RFC 9449 section 11.1), by a memory that they share.
 * A nonce is a MAC of the tenant, the epoch of that memory and the minute, so every gateway accepts those of the others
 * (RFC 9449 section 8).
 */
export class Proofs {
  /** @param secret the same at every gateway */
  constructor(
    private readonly now: () => number,
    private readonly secret: Buffer,
    private readonly memory: ProofPort,
    private readonly options: ProofOptions = {},
  ) {}

  /**
   * @param needsNonce requires a nonce although the configuration does not
   * @throws Refused DPOP_INVALID, TOO_MANY if the key or the tenant has used up its share, or NOT_READY if the memory
   * cannot be reached (I11)
   */
  async take({ tenant, thumbprint, jti, issuedAt, nonce }: Proof, needsNonce = false): Promise<void> {
    const now = this.now();
    if (!(Math.abs(now - issuedAt) < LIMITS.dpopProofMs / 2)) throw invalid('iat is not within a minute of now');
    if (typeof jti !== 'string' || jti === '') throw invalid('it has no jti');
    const epoch = nonce === undefined ? undefined : this.epochOf(tenant, nonce, now);
    const isRefusable = nonce === undefined ? needsNonce || this.options.alwaysNonce === true : epoch === undefined;
    const id = hash('sha256', jti, 'base64url');
    const use = isRefusable ? undefined : { thumbprint, id, issuedAt, ...(epoch === undefined ? {} : { epoch }) };
    const answer = await this.memory(tenant, use);
    switch (answer.verdict) {
      case 'taken':
        return;
      case 'used':
        throw invalid('it was used before');
      case 'full':
        throw new Refused('TOO_MANY', 'too many DPoP proofs within two minutes; try again later');
      case 'nonce':
        throw new NonceWanted(this.nonce(tenant, answer.epoch, now));
    }
  }

  /**
   * Accepts something else that is signed and used once, such as an assertion of a client, which cannot have a nonce.
   * @param thumbprint of the key that signed it
   * @returns why it is refused; undefined if it is accepted
   * @throws Refused NOT_READY if an earlier memory may have accepted it, so that its sender makes a new one, or TOO_MANY
   */
  async takeOnce(tenant: string, thumbprint: string, jti: string, issuedAt: number): Promise<string | undefined> {
    if (!(Math.abs(this.now() - issuedAt) < LIMITS.dpopProofMs / 2)) return 'iat is not within a minute of now';
    const use = { thumbprint, id: hash('sha256', jti, 'base64url'), issuedAt, once: true as const };
    const { verdict } = await this.memory(tenant, use);
    switch (verdict) {
      case 'taken':
        return undefined;
      case 'used':
        return 'it was used before';
      case 'full':
        throw new Refused('TOO_MANY', 'too many assertions were sent within two minutes; try again later');
      case 'nonce':
        throw new Refused('NOT_READY', 'the assertion may have been used before; send a new one in a few seconds');
    }
  }

  /** Returns the epoch of a nonce that a gateway issued in this minute or the previous one. */
  private epochOf(tenant: string, nonce: unknown, now: number): string | undefined {
    const [, epoch] = (typeof nonce === 'string' ? NONCE.exec(nonce) : null) ?? [];
    if (epoch === undefined) return undefined;
    const given = Buffer.from(nonce as string);
    const valid = [now, now - NONCE_MS].some((at) => {
      const own = Buffer.from(this.nonce(tenant, epoch, at));
      return own.length === given.length && timingSafeEqual(own, given);
    });
    return valid ? epoch : undefined;
  }

  private nonce(tenant: string, epoch: string, at: number): string {
    const minute = Math.floor(at / NONCE_MS);
    const mac = createHmac('sha256', this.secret).update(`${tenant}\n${epoch}\n${minute}`).digest('base64url');
    return `${epoch}.${mac}`;
  }
}

/** Refuses a proof without a valid nonce and supplies one (RFC 9449 section 8). */
export class NonceWanted extends Refused {
  constructor(readonly nonce: string) {
    super(
      'DPOP_INVALID',
      'the DPoP proof is not valid: it may have been used before; send a proof with the nonce of the DPoP-Nonce header',
    );
  }
}

const invalid = (why: string): Refused => new Refused('DPOP_INVALID', `the DPoP proof is not valid: ${why}`);
