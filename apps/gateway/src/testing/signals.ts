import { createHash } from 'node:crypto';
import type { JWTPayload } from 'jose';
import type { Command } from '@bailiwick/contracts/commands/command';
import { signingKey, TestIssuer } from './issuer';
import { busThat, type BusReply } from './bus';
import { NOW } from './tokens';

/** A transmitter of tests, and the owner of a log at the other end of the bus. */

export const SECRET = 'a-secret-of-the-transmitter';
export const AUDIENCE = 'https://bailiwick.example/v1/signals/idp';
export const SESSION_REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked';
export const ADA = { format: 'email', email: 'Ada@example.com' };

export const configOf = (issuer: string, more: Record<string, unknown> = {}): Record<string, unknown> => ({
  name: 'idp',
  issuer,
  audience: AUDIENCE,
  push: { secretSha256: createHash('sha256').update(SECRET).digest('hex') },
  subjects: [{ format: 'email', names: 'principal', prefix: 'user:' }],
  ...more,
});

/** Claims of a valid token, with the given ones changed or, if undefined, left out. */
export function setClaims(issuer: string, changed: Record<string, unknown> = {}): JWTPayload {
  const valid = {
    iss: issuer,
    aud: AUDIENCE,
    jti: 'set-1',
    iat: NOW / 1_000,
    sub_id: ADA,
    events: { [SESSION_REVOKED]: { event_timestamp: NOW / 1_000 } },
  };
  return Object.fromEntries(Object.entries({ ...valid, ...changed }).filter(([, value]) => value !== undefined));
}

export const SET_HEADER = { typ: 'secevent+jwt' };

/** Starts an issuer that serves the metadata of a transmitter. */
export async function startTransmitter(kid = 'k1'): Promise<TestIssuer> {
  const issuer = await TestIssuer.start(signingKey(kid));
  const body = JSON.stringify({ issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` });
  issuer.answers.set('/.well-known/ssf-configuration', { body });
  return issuer;
}

const value = (answer: unknown): BusReply => ({ value: answer });
const TOO_BUSY = { code: 'TOO_MANY', detail: 'too many counts are running' };

/** An owner that knows commands by their ids, as a real one does, and previews what a test states as live. */
export class TestOwner {
  live = 1;
  /** whether it has no time to look for what is live */
  busy = false;
  /** the refusals of the next commands, by their codes, or with further members */
  readonly refusals: (string | { code: string; extra: Record<string, unknown> })[] = [];
  readonly decided: Command[] = [];
  readonly bus = busThat((_subject, payload) => value(this.answer(payload))).bus;

  private answer(asked: { op?: string; commands?: Command[] }): unknown {
    if (asked.op === 'reaches')
      return this.busy ? { ok: false, refusal: TOO_BUSY } : { ok: true, value: { reaches: this.live > 0 } };
    return { answers: (asked.commands ?? []).map((command) => this.decide(command)) };
  }

  private decide(command: Command): unknown {
    const refusal = this.refusals.shift();
    if (refusal !== undefined)
      return { ok: false, refusal: { detail: 'no', ...(typeof refusal === 'string' ? { code: refusal } : refusal) } };
    const known = this.decided.find(({ commandId }) => commandId === command.commandId);
    if (known && known.requestDigest !== command.requestDigest)
      return { ok: false, refusal: { code: 'IDEMPOTENCY_KEY_REUSED', detail: 'no' } };
    if (!known) this.decided.push(command);
    return { ok: true, value: { position: 1 } };
  }
}
