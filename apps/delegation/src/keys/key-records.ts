import { Inject, Injectable, type BeforeApplicationShutdown, type OnApplicationBootstrap } from '@nestjs/common';
import { LIMITS } from '@bailiwick/core/limits';
import type { PostgresKeys } from '@bailiwick/event-store/postgres/keys';
import type { Logger } from 'pino';
import { ACCESS_KEYS, LOGGER } from '../connections/tokens';
import { LogOwnership } from '../ownership/log-ownership';

/**
 * Records the changes of keys whose events are missing. A change and the command that records it are stored in one
 * transaction; the gateway sends the same command, to answer with its position. If the gateway or this service dies in
 * between, the row is left, and the owner of the log carries out the command here: a key that `keys list` shows is in the
 * log soon after. If the row is deleted late, or not because of a crash right after the event, the command is repeated:
 * its id makes it one event.
 */
@Injectable()
export class KeyRecords implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    @Inject(ACCESS_KEYS) private readonly keys: Pick<PostgresKeys, 'unrecorded' | 'recorded'>,
    @Inject(LogOwnership) private readonly ownership: Pick<LogOwnership, 'heads' | 'submit'>,
    @Inject(LOGGER) private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  onApplicationBootstrap(): void {
    this.working = this.sweep().finally(() => {
      if (this.stopped) return;
      this.timer = setTimeout(() => this.onApplicationBootstrap(), LIMITS.keys.recordMs);
      this.timer.unref();
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.stopped = true;
    clearTimeout(this.timer);
    await this.working;
  }

  /** Records what is missing in the logs that this process owns. */
  async sweep(): Promise<void> {
    try {
      const logs = Object.keys(this.ownership.heads);
      for (const command of logs.length > 0 ? await this.keys.unrecorded(logs) : []) {
        const answer = await this.ownership.submit(command.log, command);
        if (answer.ok) await this.keys.recorded(command);
        else
          this.logger.warn({ log: command.log, code: answer.refusal.code }, 'the change of a key is not recorded yet');
      }
    } catch (error) {
      this.logger.warn({ err: error }, 'changes of keys could not be recorded; trying again');
    }
  }
}
