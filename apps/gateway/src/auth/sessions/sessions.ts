import { Injectable } from '@nestjs/common';
import type { SessionHolder, StoredSession } from '@bailiwick/contracts/sessions/session';
import { LogClient } from '../../log-client/log-client';
import { digestOf } from '../secrets';
import { SessionSecrets } from './session-secrets';

/**
 * The sessions of browsers. Each request reads its session from the store that all gateways share, so that its end is
 * effective at every gateway at once; while the store cannot be reached, no session is accepted (I11).
 */
@Injectable()
export class Sessions {
  constructor(
    private readonly logClient: LogClient,
    readonly secrets: SessionSecrets,
  ) {}

  /**
   * Starts a session for a holder, or for the holder of a link's code. Its secret is new: none that a browser brought
   * becomes one.
   * @returns undefined for an unknown or used code
   */
  async start(
    from: { readonly code: string } | { readonly tenant: string; readonly holder: SessionHolder },
  ): Promise<{ secret: string; session: StoredSession } | undefined> {
    if ('code' in from && !this.secrets.made('link', from.code)) return undefined;
    const secret = this.secrets.make('session');
    const source = 'code' in from ? { link: digestOf(from.code) } : from;
    const session = await this.one('start-session', { digest: digestOf(secret), from: source });
    return session && { secret, session };
  }

  /** Makes a one-time code for the holder of keys. */
  async link(tenant: string, holder: SessionHolder): Promise<{ code: string; expiresAt: string }> {
    const code = this.secrets.make('link');
    const digest = digestOf(code);
    const { expiresAt } = await this.logClient.admin<{ expiresAt: string }>('add-session-link', {
      ...{ digest, tenant, holder },
    });
    return { code, expiresAt };
  }

  /** @param use whether this is a use of the session @throws Refused NOT_READY */
  async find(secret: string, use = true): Promise<StoredSession | undefined> {
    if (!this.secrets.made('session', secret)) return undefined;
    return this.one('session', { digest: digestOf(secret), use });
  }

  async end(secret: string): Promise<void> {
    if (this.secrets.made('session', secret)) await this.logClient.admin('end-session', { digest: digestOf(secret) });
  }

  /** Ends the sessions that a person of an issuer has, at every gateway. Returns how many. */
  async endOf(tenant: string, ref: string): Promise<number> {
    return (await this.logClient.admin<{ ended: number }>('end-person-sessions', { tenant, ref })).ended;
  }

  private async one(op: string, body: Record<string, unknown>): Promise<StoredSession | undefined> {
    return (await this.logClient.admin<{ session: StoredSession | null }>(op, body)).session ?? undefined;
  }
}
