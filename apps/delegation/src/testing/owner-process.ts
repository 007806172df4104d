import type { Answer } from '@bailiwick/contracts/commands/command';
import { PostgresEventLog } from '@bailiwick/event-store/postgres/event-log';
import { systemClock } from '@bailiwick/core/clock';
import { LogOwner } from '../log-owner/owner';
import { LOG, RULES } from './world';

/** A message from the parent to the child process that owns a log. */
export interface OwnerRequest {
  readonly nth: number;
  readonly command: unknown;
}
export interface OwnerResponse {
  readonly nth: number;
  readonly answer: Answer;
}

/** Runs an owner over the database at `DATABASE_URL` that answers its parent's requests until it is killed. */
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
  process.on('message', ({ nth, command }: OwnerRequest) => {
    void owner.submit(command).then((answer) => process.send?.({ nth, answer } satisfies OwnerResponse));
  });
  process.on('disconnect', () => process.exit(1)); // the parent is gone
}

if (require.main === module) main();
