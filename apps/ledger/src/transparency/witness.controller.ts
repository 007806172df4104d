import { Controller, Inject } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { LIMITS } from '@bailiwick/core/limits';
import { ledgerSubject } from '@bailiwick/messaging/subjects';
import { z } from 'zod';
import { found, refuse } from '../rpc/answers';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';
import { WITNESS } from './tokens';
import type { Witness } from './witness';

const noQuery = z.strictObject({});

const submissionQuery = z.strictObject({ submission: z.string().max(LIMITS.submissionBytes) });
type SubmissionQuery = z.infer<typeof submissionQuery>;

const NO_WITNESS = refuse('NOT_FOUND', 'this installation is not a witness: witnesses.json lists no logs');

/** Cosigns checkpoints of other logs, if the installation is configured as a witness. */
@Controller()
export class WitnessController {
  constructor(@Inject(WITNESS) private readonly witness: Witness | null) {}

  @MessagePattern(ledgerSubject('witness-vkey'))
  vkey(@Payload(new ZodPipe(noQuery)) _: object): Answer {
    return this.witness ? found(`${this.witness.vkey}\n`) : NO_WITNESS;
  }

  @MessagePattern(ledgerSubject('add-checkpoint'))
  async addCheckpoint(@Payload(new ZodPipe(submissionQuery)) { submission }: SubmissionQuery): Promise<Answer> {
    return this.witness ? found(await this.witness.add(submission)) : NO_WITNESS;
  }
}
