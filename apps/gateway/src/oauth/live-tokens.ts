import { Injectable } from '@nestjs/common';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import type { Caller } from '../auth/caller';
import { GrantTokens, type VerifiedToken } from '../auth/grant-tokens';
import { payloadOf } from '../auth/pseudonyms';
import { Refused } from '../http/problems/problem';
import { contextFor, type Incoming } from '../http/request-context';
import { Branches } from '../log-client/branches';
import { LogClient } from '../log-client/log-client';
import { logOf } from '../log-client/logs';
import { detailsOf } from './authorization-details';

const INACTIVE = { active: false } as const;

/** Answers about tokens from their live leases, and ends these. There is no store of tokens. */
@Injectable()
export class LiveTokens {
  constructor(
    private readonly tokens: GrantTokens,
    private readonly logClient: LogClient,
    private readonly branches: Branches,
  ) {}

  /**
   * Describes a token (RFC 7662 section 2.2). One that is not valid, whose lease is not live, of another tenant (I9), or of
   * a run that a caller with a grant token may not read is inactive, and nothing else is stated.
   */
  async introspect(caller: Caller, token: string): Promise<Record<string, unknown>> {
    const verified = await this.own(caller, token);
    if (!verified || !(await this.mayRead(caller, verified))) return INACTIVE;
    const { claims, payload } = verified;
    const live = await this.liveLease(caller, claims.grantId, claims.runId);
    if (!live) return INACTIVE;
    const end = Math.ceil(Date.parse(live.grant.limits.time.expiresAt) / 1_000);
    const { iss, sub, aud, iat, jti, act, client_id, cnf } = payload;
    const stated = { iss, sub, aud, iat, jti, act, client_id, cnf };
    return {
      active: true,
      token_type: claims.jkt === undefined ? 'Bearer' : 'DPoP',
      ...Object.fromEntries(Object.entries(stated).filter(([, value]) => value !== undefined)),
      exp: Math.min(payload.exp ?? 0, end),
      authorization_details: detailsOf(live.run, live.grant),
    };
  }

  /**
   * Revokes the lease of a token with everything below it (RFC 7009 section 2.1); a run ends its own lease by completing
   * itself. A token that is not valid, or of another tenant, is nothing to revoke.
   * @throws Refused with the refusal of the owner, such as for a run that the caller is not above
   */
  async revoke(caller: Caller, request: Incoming, token: string): Promise<void> {
    const verified = await this.own(caller, token);
    if (!verified) return;
    const { runId, grantId } = verified.claims;
    const context = contextFor(caller, request);
    const isSelf = caller.kind === 'run' && caller.runId === runId;
    const command = isSelf
      ? context.command('completeRun', logOf(caller, runId), { runId })
      : context.command('revokeGrant', logOf(caller, grantId), {
          grantId,
          payload: payloadOf({ reason: 'its token was revoked (RFC 7009)' }),
        });
    try {
      await this.logClient.command(command);
    } catch (error) {
      if (!(error instanceof Refused) || !ENDED.has(error.code)) throw error;
    }
  }

  /** Verifies a token of the caller's tenant, for whatever resource it is. */
  private async own(caller: Caller, token: string): Promise<VerifiedToken | undefined> {
    try {
      const verified = await this.tokens.read(token, { forAny: true });
      return verified.claims.tenant === caller.tenant ? verified : undefined;
    } catch (error) {
      if (error instanceof Refused && error.code === 'UNAUTHENTICATED') return undefined;
      throw error;
    }
  }

  private async mayRead(caller: Caller, { claims }: VerifiedToken): Promise<boolean> {
    try {
      await this.branches.within(caller, claims.runId);
      return true;
    } catch (error) {
      if (error instanceof Refused && error.code === 'FORBIDDEN') return false;
      throw error;
    }
  }

  /** Returns a lease that is live, together with all above it (I2). */
  private async liveLease(
    caller: Caller,
    grantId: string,
    runId: string,
  ): Promise<{ grant: GrantView; run: RunView } | undefined> {
    try {
      const log = logOf(caller, grantId);
      const [grant, run] = await Promise.all([
        this.logClient.look<GrantView>('grant', log, grantId),
        this.logClient.look<RunView>('run', log, runId),
      ]);
      return grant.status === 'active' && grant.blockedBy === undefined ? { grant, run } : undefined;
    } catch (error) {
      if (error instanceof Refused && error.code === 'NOT_FOUND') return undefined;
      throw error;
    }
  }
}

/** Refusals for a lease that has ended already. */
const ENDED: ReadonlySet<string> = new Set(['ALREADY_ENDED', 'NOT_FOUND', 'GRANT_NOT_LIVE']);
