import { Controller, Inject } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import { healthSubject } from '@bailiwick/messaging/subjects';
import { healthAnswer } from '@bailiwick/platform/health';
import { DATABASE, type Database } from '../connections/tokens';
import { LogLedgers } from './log-ledgers';

@Controller()
export class FollowerController {
  constructor(
    private readonly ledgers: LogLedgers,
    @Inject(DATABASE) private readonly database: Database,
  ) {}

  /** Reports how far each log is followed. Without a queue group every instance responds, and the first response counts. */
  @MessagePattern(healthSubject('ledger'), { queue: '' })
  health(): Promise<unknown> {
    return healthAnswer(this.database, () => {
      const all = this.ledgers.all();
      return {
        service: 'ledger',
        logs: Object.fromEntries(all.map((each) => [each.state.log, each.position])),
        problems: all.flatMap((each) => each.problems),
      };
    });
  }
}
