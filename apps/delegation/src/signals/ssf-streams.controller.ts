import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { z } from 'zod';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { streamCreate, streamRemove, streamSave, streamsQuery } from '@bailiwick/contracts/signals/ssf-stream';
import { LIMITS } from '@bailiwick/core/limits';
import type { PostgresSsfStreams } from '@bailiwick/event-store/postgres/ssf-streams';
import { adminSubject } from '@bailiwick/messaging/subjects';
import { SSF_STREAMS } from '../connections/tokens';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';

/** Stores the streams of security events for the gateway, which has admitted their receivers. */
@Controller()
export class SsfStreamsController {
  constructor(@Inject(SSF_STREAMS) private readonly streams: PostgresSsfStreams) {}

  @MessagePattern(adminSubject('ssf-streams'))
  async list(@Payload(new ZodPipe(streamsQuery)) { tenant, receiver }: z.infer<typeof streamsQuery>): Promise<Answer> {
    return { ok: true, value: { items: await this.streams.list(tenant, receiver) } };
  }

  @MessagePattern(adminSubject('ssf-stream-create'))
  async create(@Payload(new ZodPipe(streamCreate)) stream: z.infer<typeof streamCreate>): Promise<Answer> {
    if (await this.streams.create(stream)) return { ok: true, value: {} };
    const detail = `The tenant has ${LIMITS.signals.streams} streams, the most that it may have.`;
    return { ok: false, refusal: { code: 'CONFLICT', detail } };
  }

  @MessagePattern(adminSubject('ssf-stream-save'))
  async save(@Payload(new ZodPipe(streamSave)) { stream, restart }: z.infer<typeof streamSave>): Promise<Answer> {
    return { ok: true, value: { saved: await this.streams.save(stream, restart) } };
  }

  @MessagePattern(adminSubject('ssf-stream-remove'))
  async remove(
    @Payload(new ZodPipe(streamRemove)) { tenant, receiver, id }: z.infer<typeof streamRemove>,
  ): Promise<Answer> {
    return { ok: true, value: { removed: await this.streams.remove(tenant, receiver, id) } };
  }
}
