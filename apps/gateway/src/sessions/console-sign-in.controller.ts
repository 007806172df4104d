import { Controller, Inject } from '@nestjs/common';
import { callbackQuery, signInQuery } from '@bailiwick/contracts/http/sessions';
import { LIMITS } from '@bailiwick/core/limits';
import type { z } from 'zod';
import type { SignedIn } from '../auth/issuers/people';
import { Pseudonyms } from '../auth/pseudonyms';
import { cookieOf, SIGN_IN_COOKIE, signInCookie } from '../auth/sessions/cookies';
import { Sessions } from '../auth/sessions/sessions';
import { CONFIG, type GatewayConfig } from '../config';
import { ConcurrencyLimiter } from '@bailiwick/edge/concurrency-limiter';
import { Ctx, Endpoint, Query } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { Reply } from '../http/responses/http-response';
import { CALLBACK, CodeSignIn } from './code-sign-in';
import { CONSOLE, pageOf } from './return-to';
import { SessionRecords } from './session-records';
import { cookieFor } from './session.controller';

/** Sign-in to the console at an issuer. The browser navigates to these; they respond with redirects. */
@Controller()
export class ConsoleSignInController {
  private readonly slots = new ConcurrencyLimiter(
    LIMITS.sessions.signIns,
    LIMITS.sessions.signInsPerAddress,
    'sign-ins',
  );

  constructor(
    private readonly signIn: CodeSignIn,
    private readonly sessions: Sessions,
    private readonly pseudonyms: Pseudonyms,
    private readonly records: SessionRecords,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/session/sign-in',
    summary: 'Sign in to the console at an issuer: leads to it',
    roles: 'public',
    status: 302,
  })
  async start(@Ctx() context: RequestContext, @Query(signInQuery) query: z.infer<typeof signInQuery>): Promise<Reply> {
    return this.within(context, async () => {
      const page = pageOf(query.return_to, this.config.publicUrl);
      const { location, sealed } = await this.signIn.start(query.issuer, page);
      return redirect(location, signInCookie(sealed, LIMITS.sessions.signInMs / 1_000));
    });
  }

  @Endpoint({
    method: 'GET',
    path: CALLBACK,
    summary: 'The response of an issuer: starts the session and leads to the console',
    roles: 'public',
    status: 302,
  })
  async finish(
    @Ctx() context: RequestContext,
    @Query(callbackQuery) query: z.infer<typeof callbackQuery>,
  ): Promise<Reply> {
    return this.within(context, async () => {
      const over = signInCookie('over', 0);
      try {
        const sealed = cookieOf(context.request.headers.cookie, SIGN_IN_COOKIE);
        const { person, returnTo } = await this.signIn.finish(query, sealed);
        return redirect(returnTo, await this.started(person), over);
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        const tenant = this.signIn.tenantOf(cookieOf(context.request.headers.cookie, SIGN_IN_COOKIE));
        if (tenant !== undefined) this.records.failed(tenant, 'issuer', error.code);
        return redirect(`${CONSOLE}#sign_in_error=${encodeURIComponent(error.detail)}`, over);
      }
    });
  }

  /** Starts the session of a person, and returns its cookie. */
  private async started(signedIn: SignedIn): Promise<string> {
    const { tenant, person, roles, groups, via } = signedIn;
    const ref = this.pseudonyms.ref(tenant, 'person', person);
    const holder = { kind: 'person' as const, person, ref, roles: [...roles], groups: [...groups], via };
    const started = await this.sessions.start({ tenant, holder });
    if (!started) throw new Refused('NOT_READY', 'the session could not be stored');
    this.records.signedIn(signedIn);
    return cookieFor(started.secret, started);
  }

  private async within(context: RequestContext, work: () => Promise<Reply>): Promise<Reply> {
    const release = this.slots.take(context.request.raw.socket.remoteAddress ?? '');
    try {
      return await work();
    } finally {
      release();
    }
  }
}

const redirect = (location: string, ...cookies: string[]): Reply =>
  Reply.text(
    '',
    'text/plain',
    { location, 'set-cookie': cookies, 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' },
    302,
  );
