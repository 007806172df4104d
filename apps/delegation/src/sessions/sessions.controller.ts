import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Answer } from '@bailiwick/contracts/commands/command';
import {
  addSessionLinkRequest,
  endPersonSessionsRequest,
  endSessionRequest,
  sessionRequest,
  startSessionRequest,
} from '@bailiwick/contracts/sessions/session';
import type { PostgresSessions } from '@bailiwick/event-store/postgres/sessions';
import { adminSubject } from '@bailiwick/messaging/subjects';
import type { z } from 'zod';
import { SESSIONS } from '../connections/tokens';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';

/** Stores the sessions of browsers for the gateways, which have no connection to the database. It decides nothing about them. */
@Controller()
export class SessionsController {
  constructor(@Inject(SESSIONS) private readonly sessions: PostgresSessions) {}

  @MessagePattern(adminSubject('add-session-link'))
  async addLink(
    @Payload(new ZodPipe(addSessionLinkRequest)) { digest, ...of }: z.infer<typeof addSessionLinkRequest>,
  ): Promise<Answer> {
    return { ok: true, value: { expiresAt: await this.sessions.addLink(digest, of) } };
  }

  @MessagePattern(adminSubject('start-session'))
  async start(
    @Payload(new ZodPipe(startSessionRequest)) { digest, from }: z.infer<typeof startSessionRequest>,
  ): Promise<Answer> {
    return found(await this.sessions.start(digest, from));
  }

  @MessagePattern(adminSubject('session'))
  async find(@Payload(new ZodPipe(sessionRequest)) { digest, use }: z.infer<typeof sessionRequest>): Promise<Answer> {
    return found(await this.sessions.find(digest, use));
  }

  @MessagePattern(adminSubject('end-session'))
  async end(@Payload(new ZodPipe(endSessionRequest)) { digest }: z.infer<typeof endSessionRequest>): Promise<Answer> {
    await this.sessions.end(digest);
    return { ok: true, value: {} };
  }

  @MessagePattern(adminSubject('end-person-sessions'))
  async endOf(
    @Payload(new ZodPipe(endPersonSessionsRequest)) { tenant, ref }: z.infer<typeof endPersonSessionsRequest>,
  ): Promise<Answer> {
    return { ok: true, value: { ended: await this.sessions.endOf(tenant, ref) } };
  }
}

const found = (session: unknown): Answer => ({ ok: true, value: { session: session ?? null } });
