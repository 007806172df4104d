import { Controller, Inject } from '@nestjs/common';
import {
  endSessionsAnswer,
  endSessionsBody,
  sessionLinkAnswer,
  sessionLinkBody,
} from '@bailiwick/contracts/http/sessions';
import type { SessionKey } from '@bailiwick/contracts/sessions/session';
import type { z } from 'zod';
import { ApiKeys, digestOf, type KeyHolder } from '../auth/api-keys';
import { Issuers } from '../auth/issuers/issuers';
import { Pseudonyms } from '../auth/pseudonyms';
import { ROLES } from '../auth/roles';
import { areOfOneHolder } from '../auth/sessions/session-callers';
import { Sessions } from '../auth/sessions/sessions';
import { CONFIG, type GatewayConfig } from '../config';
import { Body, Ctx, Endpoint } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { CONSOLE } from './return-to';
import { SessionRecords } from './session-records';

/** One-time sign-in links for holders of keys, and the end of the sessions of a person. */
@Controller()
export class SessionLinksController {
  constructor(
    private readonly sessions: Sessions,
    private readonly keys: ApiKeys,
    private readonly pseudonyms: Pseudonyms,
    private readonly records: SessionRecords,
    private readonly issuers: Issuers,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/session-links',
    summary: 'Make a one-time link that signs the holder of the keys in to the console',
    roles: ROLES,
    people: true,
    answer: sessionLinkAnswer,
    status: 201,
  })
  async link(
    @Ctx() { request, caller }: RequestContext,
    @Body(sessionLinkBody) { keys: others }: z.infer<typeof sessionLinkBody>,
  ): Promise<z.infer<typeof sessionLinkAnswer>> {
    // a session that could make links would have no end
    const [, own] = /^bearer +(\S+)$/i.exec(request.headers.authorization ?? '') ?? [];
    const secrets = [...new Set([own ?? '', ...others])];
    const holders: KeyHolder[] = [];
    for (const secret of secrets) {
      const holder = await this.keys.find(secret, digestOf(secret));
      if (!holder) throw new Refused('FORBIDDEN', 'a link is made with keys alone, and one of these is no valid key');
      holders.push(holder);
    }
    if (!areOfOneHolder(holders))
      throw new Refused('FORBIDDEN', 'the keys of a session are of one tenant, and of one person or of none');
    const keys = holders.map(({ id }, at): SessionKey =>
      id === undefined ? { digest: digestOf(secrets[at] as string) } : { id },
    );
    const { code, expiresAt } = await this.sessions.link(caller.tenant, { kind: 'keys', keys });
    return { url: `${this.config.publicUrl.replace(/\/$/, '')}${CONSOLE}#code=${code}`, expiresAt };
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/sessions/revocation',
    summary: 'End the sessions that a person of an issuer has in browsers',
    roles: ['responder', 'admin'],
    answer: endSessionsAnswer,
  })
  async end(
    @Ctx() { caller }: RequestContext,
    @Body(endSessionsBody) { person }: z.infer<typeof endSessionsBody>,
  ): Promise<z.infer<typeof endSessionsAnswer>> {
    const { tenant } = caller;
    const personRef = this.pseudonyms.ref(tenant, 'person', person);
    const ended = await this.sessions.endOf(tenant, personRef);
    if (ended > 0) this.records.changed(caller, { change: 'ended', personRef, sessions: ended });
    return { ended, issuers: this.issuers.ofTenant(tenant) };
  }
}
