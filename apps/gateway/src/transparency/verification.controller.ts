import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { logNameSchema } from '@bailiwick/contracts/primitives';
import { logName, parseLogName } from '@bailiwick/core/ids';
import { Ctx, Endpoint, Query } from '../http/endpoints/endpoint';
import { Reply, Streamed } from '../http/responses/http-response';
import { NDJSON, streamNdjson } from '../http/responses/ndjson';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { LogVerification } from './verification';

const verificationQuery = z.strictObject({ log: logNameSchema.optional() });

const PROGRESS = { progress: {} };

/** The verification of a log from position 0. */
@Controller()
export class VerificationController {
  constructor(private readonly verification: LogVerification) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/log/verification',
    summary: 'A log refolded from position 0: its tree against its checkpoints, its state against the live one',
    roles: ['analyst'],
    streams: true,
  })
  async verify(
    @Ctx() { caller, request }: RequestContext,
    @Query(verificationQuery) query: z.infer<typeof verificationQuery>,
  ): Promise<unknown> {
    const log = query.log ?? logName(caller.tenant, 0);
    const { tenant, n } = parseLogName(log);
    if (tenant !== caller.tenant || log !== logName(tenant, n)) throw new Refused('NOT_FOUND', `Log ${log} not found.`);
    const start = (onProgress: () => void): Promise<unknown> =>
      this.verification.verify(log, () => {
        if (request.raw.socket.destroyed) throw new Refused('NOT_READY', 'the client is gone'); // frees its turn
        onProgress();
      });
    if ((request.headers.accept ?? '').includes(NDJSON)) return asLines(start);
    return start(() => undefined);
  }
}

/**
 * Responds with lines if the verification takes long: clients time out if neither the response nor a part of it arrives
 * within some minutes. A refusal before the first progress keeps its status.
 */
async function asLines(start: (onProgress: () => void) => Promise<unknown>): Promise<Reply | Streamed> {
  let notify = (): void => undefined;
  const progress = new Promise<typeof PROGRESS>((resolve) => (notify = () => resolve(PROGRESS)));
  const work = start(() => notify());
  const first = await Promise.race([work, progress]);
  if (first !== PROGRESS) return Reply.text(`${JSON.stringify({ answer: first })}\n`, NDJSON);
  return new Streamed((reply) =>
    streamNdjson(reply, 'the log could not be verified', async (line) => {
      notify = () => line(PROGRESS);
      notify();
      line({ answer: await work });
    }),
  );
}
