import { Inject, Injectable } from '@nestjs/common';
import type { StoredSession } from '@bailiwick/contracts/sessions/session';
import { CONFIG, type GatewayConfig } from '../../config';
import { Refused } from '../../http/problems/problem';
import type { Incoming } from '../../http/request-context';
import { ApiKeys } from '../api-keys';
import { Pseudonyms } from '../pseudonyms';
import { checkCsrf, checkOrigin, originsOf } from './browser-requests';
import { cookieOf, SESSION_COOKIE } from './cookies';
import { sessionCaller, type KeyCaller } from './session-callers';
import { Sessions } from './sessions';

/** A session with who acts in it. */
export interface LiveSession {
  readonly session: StoredSession;
  readonly caller: KeyCaller;
}

/** Identifies the caller of a request by the cookie of its session. */
@Injectable()
export class SessionAdmission {
  private origins: ReadonlySet<string> | undefined;

  constructor(
    private readonly sessions: Sessions,
    private readonly keys: ApiKeys,
    private readonly pseudonyms: Pseudonyms,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  /** Returns the secret in the cookie of a request; undefined without one. */
  secretIn({ headers }: Pick<Incoming, 'headers'>): string | undefined {
    return cookieOf(headers.cookie, SESSION_COOKIE);
  }

  /** @throws Refused UNAUTHENTICATED, FORBIDDEN if another page may have caused the request, NOT_READY */
  async identify(request: Incoming, secret: string): Promise<KeyCaller> {
    this.checkOrigin(request);
    checkCsrf(request, this.sessions.secrets, secret);
    const live = await this.find(secret);
    if (!live) throw new Refused('UNAUTHENTICATED', 'the session has ended: sign in again');
    return live.caller;
  }

  /** @throws Refused FORBIDDEN */
  checkOrigin(request: Incoming): void {
    checkOrigin(request, (this.origins ??= originsOf(this.config.publicUrl)));
  }

  /** @param use whether this is a use of the session @throws Refused NOT_READY */
  async find(secret: string, use = true): Promise<LiveSession | undefined> {
    const session = await this.sessions.find(secret, use);
    return session && this.live(session);
  }

  /** Adds who acts in a session; undefined if its keys have ended. */
  async live(session: StoredSession): Promise<LiveSession | undefined> {
    const caller = await sessionCaller(session, (key) => this.keys.holderOf(key), this.pseudonyms);
    return caller && { session, caller };
  }
}
