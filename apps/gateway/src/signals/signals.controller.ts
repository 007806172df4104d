import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { transmitterName } from '@bailiwick/contracts/signals/signal-record';
import { LIMITS } from '@bailiwick/core/limits';
import { ConcurrencyLimiter } from '@bailiwick/edge/concurrency-limiter';
import { Ctx, Endpoint, Params, Text } from '../http/endpoints/endpoint';
import type { RequestContext } from '../http/request-context';
import { Reply } from '../http/responses/http-response';
import { SetRefused } from './set-verifier';
import { SignalReceiver, Transmitters } from './signal-receiver';

const named = z.strictObject({ transmitter: transmitterName });
const NO_STORE = { 'cache-control': 'no-store' };

/** Takes security event tokens by push (RFC 8935). It authenticates transmitters itself, by their configured secrets. */
@Controller()
export class SignalsController {
  constructor(
    private readonly transmitters: Transmitters,
    private readonly receiver: SignalReceiver,
    private readonly tenants: ConcurrencyLimiter,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/signals/:transmitter',
    summary: 'Deliver a security event token by push (RFC 8935), as a configured transmitter',
    roles: 'public',
    takesText: LIMITS.signals.setBytes,
    status: 202,
  })
  async push(
    @Ctx() { request }: RequestContext,
    @Params(named) { transmitter: name }: z.infer<typeof named>,
    @Text() text: string,
  ): Promise<Reply> {
    try {
      const transmitter = this.transmitters.authenticate(name, request.headers.authorization);
      const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase();
      if (type !== 'application/secevent+jwt')
        throw new SetRefused('invalid_request', 'send the token as application/secevent+jwt');
      const release = this.tenants.take(transmitter.config.tenant);
      try {
        await this.receiver.receive(transmitter, text);
      } finally {
        release();
      }
      return Reply.text('', 'text/plain; charset=utf-8', NO_STORE, 202);
    } catch (error) {
      if (!(error instanceof SetRefused)) throw error;
      const { err, description } = error;
      return Reply.json({ err, description }, { status: 400, headers: { ...NO_STORE, 'content-language': 'en' } });
    }
  }
}
