import { Inject, Injectable } from '@nestjs/common';
import { LIMITS } from '@bailiwick/core/limits';
import type { Bus } from '@bailiwick/messaging/connect';
import type { ServeOptions, Serving } from '@bailiwick/messaging/nest-transport/serve';
import {
  callCommandSubject,
  callQuerySubject,
  commandSubject,
  driftSubject,
  querySubject,
} from '@bailiwick/messaging/subjects';
import { CommandsService } from '../commands/commands.service';
import { BUS } from '../connections/tokens';
import { mayQuery, NOT_HERE } from '../log-owner/may-ask';
import { QueriesService } from '../queries/queries.service';
import type { OwnedLog } from './owned-log';

/**
 * Serves the subjects of owned logs. Not `@MessagePattern`: logs come and go with their leases, and every owner
 * subscribes to the same subject, while only the current one may respond.
 */
@Injectable()
export class LogServer {
  constructor(
    @Inject(BUS) private readonly bus: Bus,
    private readonly commands: CommandsService,
    private readonly queries: QueriesService,
  ) {}

  /** @param mayAnswer reports whether this process still holds the lease */
  serve(target: OwnedLog, mayAnswer: () => true | Promise<boolean>): Serving[] {
    const { bus } = this;
    const commands: ServeOptions = { mayAnswer, maxPending: LIMITS.messagesPerLog };
    const queries: ServeOptions = { mayAnswer, maxPending: LIMITS.queriesPerLog };
    return [
      bus.serve(
        commandSubject(target.log),
        (raw, request) => this.commands.handle(target, raw, 'edge', request),
        commands,
      ),
      bus.serve(
        driftSubject(target.log),
        (raw, request) => this.commands.handle(target, raw, 'monitor', request),
        commands,
      ),
      bus.serve(
        callCommandSubject(target.log),
        (raw, request) => this.commands.handle(target, raw, 'boundary', request),
        commands,
      ),
      bus.serve(
        callQuerySubject(target.log),
        (raw) => (mayQuery(raw) ? this.queries.answer(target, raw) : NOT_HERE),
        queries,
      ),
      bus.serve(querySubject(target.log), (raw) => this.queries.answer(target, raw), queries),
    ];
  }
}
