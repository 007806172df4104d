import { Injectable } from '@nestjs/common';
import { CAEP_SESSION_REVOKED, SSF_VERIFICATION, type SsfStream } from '@bailiwick/contracts/signals/ssf-stream';
import { GrantTokens } from '../auth/grant-tokens';
import type { EndedLease } from './stream-items';

/** The `jti` of the token of an ended lease: the same whenever it is delivered. */
export const jtiOf = ({ log, grantId, event }: EndedLease): string => `${log}:${event.position}:${grantId}`;
export const verificationJti = ({ id, verification }: SsfStream): string => `${id}:verification:${verification?.at}`;

/** Signs the security event tokens of streams with the key of grant tokens (RFC 8417). */
@Injectable()
export class SsfTokens {
  constructor(private readonly tokens: GrantTokens) {}

  get issuer(): string {
    return this.tokens.issuer;
  }

  /** Names the receiver of a stream in its tokens. */
  audience(id: string): string {
    return `${this.tokens.issuer}/v1/ssf/streams/${id}`;
  }

  /** CAEP session-revoked: the session is the lease, which grant tokens name in `grant`. No person is named. */
  sessionRevoked(stream: SsfStream, lease: EndedLease): Promise<string> {
    const { time, actor, data } = lease.event;
    const at = Math.floor(Date.parse(time) / 1_000);
    const { says } = (data as { reason: { says?: string } }).reason;
    return this.sign(stream, jtiOf(lease), at, `${lease.log}:${lease.event.position}`, lease.grantId, {
      [CAEP_SESSION_REVOKED]: {
        event_timestamp: at,
        initiating_entity: actor.kind === 'person' ? 'admin' : 'system',
        ...(says === undefined ? {} : { reason_admin: { en: says } }),
      },
    });
  }

  verification(stream: SsfStream): Promise<string> {
    const { at = 0, state } = stream.verification ?? {};
    const jti = verificationJti(stream);
    return this.sign(stream, jti, Math.floor(at / 1_000), jti, stream.id, {
      [SSF_VERIFICATION]: state === undefined ? {} : { state },
    });
  }

  /** @param issuedAt of the event, in seconds, so that a token that is delivered again is the same */
  private sign(
    { id }: SsfStream,
    jti: string,
    issuedAt: number,
    txn: string,
    subject: string,
    events: Record<string, object>,
  ): Promise<string> {
    const sub_id = { format: 'opaque', id: subject };
    return this.tokens.sign('secevent+jwt', { aud: this.audience(id), jti, iat: issuedAt, sub_id, txn, events });
  }
}
