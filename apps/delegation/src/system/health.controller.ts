import { Controller, Inject } from '@nestjs/common';
import { MessagePattern } from '@nestjs/microservices';
import type { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { healthSubject } from '@bailiwick/messaging/subjects';
import { healthAnswer } from '@bailiwick/platform/health';
import { EVENT_LOG } from '../connections/tokens';
import { LogOwnership } from '../ownership/log-ownership';

/** Reports the health of this service. */
@Controller()
export class HealthController {
  constructor(
    private readonly ownership: LogOwnership,
    @Inject(EVENT_LOG) private readonly eventlog: Pick<PostgresEventLog, 'ping' | 'heads'>,
  ) {}

  @MessagePattern(healthSubject('delegation'))
  health(): Promise<unknown> {
    return healthAnswer(this.eventlog, async () => ({
      service: 'delegation',
      instances: this.ownership.instances,
      problems: this.ownership.problems,
      logs: await this.eventlog.heads(),
    }));
  }
}
