import { Controller } from '@nestjs/common';
import { sessionAnswer, sessionBody, type SessionAnswer } from '@bailiwick/contracts/http/sessions';
import { systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import type { z } from 'zod';
import { sessionCookie } from '../auth/sessions/cookies';
import { checkCsrf } from '../auth/sessions/browser-requests';
import { SessionAdmission, type LiveSession } from '../auth/sessions/session-admission';
import { Sessions } from '../auth/sessions/sessions';
import { ConcurrencyLimiter } from '@bailiwick/edge/concurrency-limiter';
import { Body, Ctx, Endpoint } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { Incoming, RequestContext } from '../http/request-context';
import { Reply } from '../http/responses/http-response';
import { SessionRecords } from './session-records';

const NO_STORE = { 'cache-control': 'no-store' };

/**
 * The session of a browser: these read its cookie themselves, so the framework sees them as open. Every other endpoint
 * accepts the cookie in place of a key.
 */
@Controller()
export class SessionController {
  private readonly slots = new ConcurrencyLimiter(
    LIMITS.sessions.signIns,
    LIMITS.sessions.signInsPerAddress,
    'sign-ins',
  );

  constructor(
    private readonly sessions: Sessions,
    private readonly admission: SessionAdmission,
    private readonly records: SessionRecords,
  ) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/session',
    summary: 'Who is signed in to the console in this browser, until when, and the token that requests of it need',
    roles: 'public',
    answer: sessionAnswer,
  })
  async read(@Ctx() context: RequestContext): Promise<Reply> {
    const request = incoming(context, 'GET');
    this.admission.checkOrigin(request);
    const secret = this.admission.secretIn(request);
    const live = secret === undefined ? undefined : await this.admission.find(secret);
    if (secret === undefined || !live) throw new Refused('UNAUTHENTICATED', 'no one is signed in in this browser');
    return Reply.json(this.shown(live, secret), { headers: NO_STORE });
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/session',
    summary: 'Start a session with the code of a one-time link (`bailiwick console`)',
    roles: 'public',
    answer: sessionAnswer,
    status: 201,
  })
  async start(
    @Ctx() context: RequestContext,
    @Body(sessionBody) { code }: z.infer<typeof sessionBody>,
  ): Promise<Reply> {
    const request = incoming(context, 'POST');
    this.admission.checkOrigin(request);
    const release = this.slots.take(request.raw.socket.remoteAddress ?? '');
    try {
      const known = this.admission.secretIn(request);
      // a link of another holder would otherwise replace the session unnoticed
      if (known !== undefined && (await this.admission.find(known, false)))
        throw new Refused('CONFLICT', 'this browser is signed in; sign out first');
      const started = await this.sessions.start({ code });
      const live = started && (await this.admission.live(started.session));
      if (started && !live) this.records.failed(started.session.tenant, 'link', 'KEY_ENDED');
      if (!started || !live)
        throw new Refused(
          'UNAUTHENTICATED',
          'the link was used, has ended, or is unknown: `bailiwick console` makes another',
        );
      this.records.changed(live.caller, { change: 'started', with: 'link' });
      return Reply.json(this.shown(live, started.secret), {
        status: 201,
        headers: { ...NO_STORE, 'set-cookie': cookieFor(started.secret, live) },
      });
    } finally {
      release();
    }
  }

  @Endpoint({
    method: 'DELETE',
    path: '/v1/session',
    summary: 'Sign out of the console: ends the session at every gateway',
    roles: 'public',
    status: 204,
  })
  async end(@Ctx() context: RequestContext): Promise<Reply> {
    const request = incoming(context, 'DELETE');
    this.admission.checkOrigin(request);
    const secret = this.admission.secretIn(request);
    if (secret !== undefined) {
      checkCsrf(request, this.sessions.secrets, secret);
      // only for the record: a session ends, too, while it or its keys cannot be read
      const live = await this.admission.find(secret, false).catch(() => undefined);
      await this.sessions.end(secret);
      if (live) this.records.changed(live.caller, { change: 'ended' });
    }
    return Reply.text('', 'text/plain', { ...NO_STORE, 'set-cookie': sessionCookie('ended', 0) }, 204);
  }

  private shown({ session, caller }: LiveSession, secret: string): SessionAnswer {
    const { tenant, roles, actor, person } = caller;
    return {
      tenant,
      who: {
        kind: actor.kind === 'person' ? 'person' : 'service',
        id: actor.id,
        ...(person === undefined ? {} : { name: person }),
      },
      roles: [...roles],
      csrf: this.sessions.secrets.csrfOf(secret),
      expiresAt: session.expiresAt,
      idleExpiresAt: session.idleExpiresAt,
    };
  }
}

/** A request of an endpoint that reads its head itself. */
export const incoming = ({ request }: RequestContext, method: string): Incoming => ({
  ...{ method, url: request.url, headers: request.headers, raw: request.raw },
  ...{ params: undefined, query: undefined },
});

/** The cookie of a session ends with it. */
export const cookieFor = (secret: string, { session }: Pick<LiveSession, 'session'>): string =>
  sessionCookie(secret, Math.max(1, Math.floor((Date.parse(session.expiresAt) - systemClock.now()) / 1_000)));
