import type { Answer } from '@bailiwick/contracts/command';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { systemClock } from '@bailiwick/core/clock';
import { LogOwner } from '../log-owner/owner';
import { LOG, RULES } from './world';

/** What a child process that owns a log hears from its parent, and what it says. */
export interface Asked {
  readonly nth: number;
  readonly command: unknown;
}
export interface Said {
  readonly nth: number;
  readonly answer: Answer;
}

/** An owner over the database at `DATABASE_URL`: answers what its parent asks, until somebody ends it. */
function main(): void {
  const eventlog = new PostgresEventLog(process.env.DATABASE_URL as string);
  const owner = new LogOwner({
    log: LOG,
    eventlog,
    rules: RULES,
    clock: systemClock,
    publish: () => undefined,
    warn: () => undefined,
  });
  owner.start();
  process.on('message', ({ nth, command }: Asked) => {
    void owner.submit(command).then((answer) => process.send?.({ nth, answer } satisfies Said));
  });
  process.on('disconnect', () => process.exit(1)); // whoever would kill it is gone
}

if (require.main === module) main();
