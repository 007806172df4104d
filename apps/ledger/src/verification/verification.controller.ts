import { randomUUID } from 'node:crypto';
import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { ledgerSubject } from '@bailiwick/messaging/subjects';
import { LogLedgers } from '../follower/log-ledgers';
import { found, missing } from '../rpc/answers';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';
import { logQuery, type LogQuery } from '../transparency/log-query';
import type { Verified } from './verify-log';

@Controller()
export class VerificationController {
  constructor(private readonly ledgers: LogLedgers) {}

  /** Starts the verification of a log, or polls the one of this name: `goesOn` until it has finished. */
  @MessagePattern(ledgerSubject('verify'))
  async verify(@Payload(new ZodPipe(logQuery)) { log, position, name = randomUUID() }: LogQuery): Promise<Answer> {
    const ledger = this.ledgers.get(log);
    if (!ledger) return missing(log);
    const start = (): Promise<Verified> => ledger.folding.take(() => ledger.verify(position));
    return found((await ledger.verifications.ask(name, start)) ?? { goesOn: true });
  }
}
