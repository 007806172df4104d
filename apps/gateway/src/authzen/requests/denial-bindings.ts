import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { decodeProtectedHeader, jwtVerify, type JWTPayload } from 'jose';
import { z } from 'zod';
import { idOf, time } from '@bailiwick/contracts/primitives';
import { canonicalize } from '@bailiwick/core/canonical';
import { rfc3339, systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { GrantTokens } from '../../auth/grant-tokens';
import { Refused } from '../../http/problems/problem';

type Json = Record<string, unknown>;

/** What a request for access is about: the members of an evaluation. */
export interface Asked {
  readonly subject: Json;
  readonly action: Json;
  readonly resource: Json;
  readonly context?: Json | undefined;
}

/** A denial after which a person is asked. */
export interface Denial {
  readonly tenant: string;
  readonly grantId: string;
  readonly actionId: string;
  readonly approvalId: string;
  /** ms; of the request for approval */
  readonly until: number;
}

/** The `typ` of the token, which no other kind of token has. */
const TYPE = 'authzen-denial+jwt';

/** Members of a context that decide. Whether the denied evaluation had one of them or not, the request has the same. */
export const BINDING_MEMBERS = [
  'cost',
  'labels',
  'onBehalfOf',
  'parentActionId',
  'posture',
  'understands',
  'units',
] as const;

const claimsOf = z.looseObject({
  tenant: z.string(),
  grant: idOf('grant'),
  evaluation_id: idOf('action'),
  approval: idOf('approval'),
  denial_expires_at: time,
  binding_context_members: z.array(z.string()),
  binding_hash: z.string(),
});

/**
 * Binds a request for access to the denial that it follows, by a token that only this installation makes. Nothing is
 * stored for it.
 * @see AuthZEN Access Request and Approval Profile, Denial Binding Claims
 */
@Injectable()
export class DenialBindings {
  constructor(private readonly tokens: GrantTokens) {}

  /** Returns `context.access_request` of a denial; undefined if its values have no canonical form to bind to. */
  async make(endpoint: string, denial: Denial, asked: Asked): Promise<Json | undefined> {
    const hash = hashOf(asked, BINDING_MEMBERS);
    const now = systemClock.now();
    // whole seconds, so that the end of the token is the end of the denial
    const ends = Math.floor(Math.min(denial.until, now + LIMITS.authzen.requestableMs) / 1_000);
    if (hash === undefined || ends * 1_000 <= now) return undefined;
    const expiresAt = rfc3339(ends * 1_000);
    const token = await this.tokens.sign(TYPE, {
      tenant: denial.tenant,
      aud: endpoint,
      jti: denial.actionId,
      iat: Math.floor(now / 1_000),
      exp: ends,
      grant: denial.grantId,
      evaluation_id: denial.actionId,
      approval: denial.approvalId,
      denial_expires_at: expiresAt,
      binding_context_members: [...BINDING_MEMBERS],
      binding_hash: hash,
    });
    return { endpoint, expires_at: expiresAt, binding_token: token };
  }

  /**
   * Reads the denial that a submission follows.
   * @throws Refused DENIAL_NOT_BOUND if the token is not ours, or is about something else; DENIAL_EXPIRED
   */
  async read(
    endpoint: string,
    tenant: string,
    asked: Asked,
    stated: {
      readonly binding_token: string;
      readonly expires_at: string;
      readonly evaluation_id?: string | undefined;
    },
  ): Promise<Omit<Denial, 'until'>> {
    const { payload, isLate } = await this.verified(endpoint, stated.binding_token);
    const parsed = claimsOf.safeParse(payload);
    if (!parsed.success || parsed.data.tenant !== tenant) throw unbound('its token is not of this tenant');
    const { data } = parsed;
    if (data.denial_expires_at !== stated.expires_at) throw unbound('denial.expires_at is not that of the denial');
    if (stated.evaluation_id !== undefined && stated.evaluation_id !== data.evaluation_id)
      throw unbound('denial.evaluation_id is not that of the denial');
    if (hashOf(asked, data.binding_context_members) !== data.binding_hash)
      throw unbound('subject, action, resource or context differ from those of the denied evaluation');
    if (isLate) throw new Refused('DENIAL_EXPIRED', 'the denial is too old; evaluate again and submit the new one');
    return { tenant, grantId: data.grant, actionId: data.evaluation_id, approvalId: data.approval };
  }

  /** Verifies signature, issuer, audience and type; the end is reported, since other faults come first. */
  private async verified(endpoint: string, token: string): Promise<{ payload: JWTPayload; isLate: boolean }> {
    let keys: ReturnType<GrantTokens['keys']['candidates']> = [];
    try {
      keys = this.tokens.keys.candidates(decodeProtectedHeader(token).kid ?? '');
    } catch {
      throw unbound('its token is malformed');
    }
    for (const key of keys)
      try {
        const { payload } = await jwtVerify(token, key, {
          issuer: this.tokens.issuer,
          audience: endpoint,
          algorithms: ['EdDSA'],
          typ: TYPE,
          requiredClaims: ['exp', 'iat', 'jti'],
          currentDate: new Date(0), // compared below
          clockTolerance: Number.MAX_SAFE_INTEGER,
        });
        return { payload, isLate: systemClock.now() >= (payload.exp as number) * 1_000 };
      } catch {
        continue;
      }
    throw unbound('its token was not made by this decision point for this endpoint');
  }
}

const unbound = (why: string): Refused =>
  new Refused('DENIAL_NOT_BOUND', `the request is not bound to a denial: ${why}; send the denial unchanged`);

/** The hash of an evaluation, as the profile constructs it; undefined if its values have no canonical form. */
export function hashOf(
  { subject, action, resource, context = {} }: Asked,
  members: readonly string[],
): string | undefined {
  const bound = Object.fromEntries(
    members.filter((name) => Object.hasOwn(context, name)).map((name) => [name, context[name]]),
  );
  try {
    const text = canonicalize({ subject: withoutActor(subject), resource, action, context: bound });
    return createHash('sha256').update(text).digest('base64url');
  } catch {
    return undefined;
  }
}

function withoutActor(subject: Json): Json {
  const { properties } = subject;
  if (properties === null || typeof properties !== 'object' || !Object.hasOwn(properties, 'act')) return subject;
  const { act: _act, ...rest } = properties as Json;
  return { ...subject, properties: rest };
}
