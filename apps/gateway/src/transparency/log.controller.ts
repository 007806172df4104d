import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { tenantName } from '@bailiwick/contracts/primitives';
import { logName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { Endpoint, Params, Query } from '../http/endpoints/endpoint';
import { Reply } from '../http/responses/http-response';
import { wholeNumber } from '../http/whole-number';
import { LogClient } from '../log-client/log-client';

const logParams = z.strictObject({ tenant: tenantName, n: wholeNumber(0, 999_999) });
type LogParams = z.infer<typeof logParams>;
const proofParams = logParams.extend({ position: wholeNumber(0) });
const tileParams = logParams.extend({ '*': z.string().max(120) });
const checkpointQuery = z.strictObject({ witnesses: wholeNumber(0, LIMITS.witnesses).optional() });
const consistencyQuery = z.strictObject({ from: wholeNumber(0), to: wholeNumber(1).optional() });

const TEXT = 'text/plain; charset=utf-8';

/** A log as C2SP tlog-tiles serves it. Public: anyone who holds a receipt of the log can check it. */
@Controller()
export class LogController {
  constructor(private readonly logClient: LogClient) {}

  @Endpoint({
    method: 'GET',
    path: '/log/:tenant/:n/vkey',
    summary: 'The verifier key of a log (C2SP signed-note)',
    roles: 'public',
  })
  async verifierKey(@Params(logParams) params: LogParams): Promise<Reply> {
    return Reply.text(await this.text('vkey', params), TEXT);
  }

  @Endpoint({
    method: 'GET',
    path: '/log/:tenant/:n/vkeys',
    summary: 'Every key that has signed for a log, and since which size; how one was handed over to the next',
    roles: 'public',
  })
  verifierKeys(@Params(logParams) { tenant, n }: LogParams): Promise<unknown> {
    return this.logClient.ledger('vkeys', { log: logName(tenant, n) });
  }

  @Endpoint({
    method: 'GET',
    path: '/log/:tenant/:n/checkpoint',
    summary: 'The newest signed tree head (C2SP tlog-checkpoint), or the newest with that number of cosignatures',
    roles: 'public',
  })
  async checkpoint(
    @Params(logParams) params: LogParams,
    @Query(checkpointQuery) query: z.infer<typeof checkpointQuery>,
  ): Promise<Reply> {
    const text = await this.text('checkpoint', params, query);
    return Reply.text(text, TEXT, { 'cache-control': 'max-age=1' }); // unlike a tile, it changes
  }

  @Endpoint({
    method: 'GET',
    path: '/log/:tenant/:n/consistency',
    summary: 'A checkpoint, and the proof that it continues the tree of `from` leaves (both as in C2SP tlog-witness)',
    roles: 'public',
  })
  async consistency(
    @Params(logParams) params: LogParams,
    @Query(consistencyQuery) query: z.infer<typeof consistencyQuery>,
  ): Promise<Reply> {
    return Reply.text(await this.text('consistency', params, query), TEXT);
  }

  @Endpoint({
    method: 'GET',
    path: '/log/:tenant/:n/proof/:position',
    summary: 'The inclusion proof of one event (C2SP tlog-proof)',
    roles: 'public',
  })
  async proof(@Params(proofParams) { position, ...log }: z.infer<typeof proofParams>): Promise<Reply> {
    return Reply.text(await this.text('proof', log, { position }), TEXT);
  }

  @Endpoint({
    method: 'GET',
    path: '/log/:tenant/:n/tile/*',
    summary: 'A tile of hashes, or a bundle of entries (C2SP tlog-tiles)',
    roles: 'public',
  })
  async tile(@Params(tileParams) { '*': path, ...log }: z.infer<typeof tileParams>): Promise<Reply> {
    const base64 = await this.text('tile', log, { path });
    return Reply.text(Buffer.from(base64, 'base64'), 'application/octet-stream', {
      'cache-control': 'public, max-age=31536000, immutable',
    });
  }

  private text(op: string, { tenant, n }: LogParams, more: Record<string, unknown> = {}): Promise<string> {
    return this.logClient.ledger<string>(op, { log: logName(tenant, n), ...more });
  }
}
