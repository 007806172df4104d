import { Controller } from '@nestjs/common';
import { LIMITS } from '@bailiwick/core/limits';
import { Endpoint, Text } from '../http/endpoints/endpoint';
import { Reply } from '../http/responses/http-response';
import { Refused } from '../http/problems/problem';
import { LogClient } from '../log-client/log-client';

interface WitnessAnswer {
  readonly status: number;
  readonly text: string;
  readonly type?: string;
}

const CODES = { 400: 'BAD_REQUEST', 403: 'FORBIDDEN', 404: 'NOT_FOUND', 422: 'UNPROCESSABLE' } as const;

/** A witness of other logs' checkpoints (C2SP tlog-witness). */
@Controller()
export class WitnessController {
  constructor(private readonly logClient: LogClient) {}

  @Endpoint({
    method: 'GET',
    path: '/witness/vkey',
    summary: 'The verifier key under which this installation cosigns checkpoints of other logs (C2SP tlog-cosignature)',
    roles: 'public',
  })
  async verifierKey(): Promise<Reply> {
    return Reply.text(await this.logClient.ledger<string>('witness-vkey', {}), 'text/plain; charset=utf-8');
  }

  @Endpoint({
    method: 'POST',
    path: '/witness/add-checkpoint',
    summary: 'Cosign a checkpoint that continues the last one of its log (C2SP tlog-witness)',
    roles: 'public',
    takesText: LIMITS.submissionBytes,
  })
  async addCheckpoint(@Text() submission: string): Promise<Reply> {
    const { status, text, type } = await this.logClient.ledger<WitnessAnswer>('add-checkpoint', { submission });
    if (type === undefined) throw new Refused(CODES[status as keyof typeof CODES], text);
    return Reply.text(text, type, {}, status);
  }
}
