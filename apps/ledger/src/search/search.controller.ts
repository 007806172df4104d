import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { ledgerSubject } from '@bailiwick/messaging/subjects';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';
import { EventsService } from './events.service';
import { ListsService } from './lists.service';
import {
  actionsQuery,
  approvalsQuery,
  eventsQuery,
  grantsQuery,
  runQuery,
  runsQuery,
  type EventsQuery,
  type ListQuery,
  type RunQuery,
} from './queries';
import { RunGraphService } from './run-graph.service';

@Controller()
export class SearchController {
  constructor(
    private readonly lists: ListsService,
    private readonly eventsOfLog: EventsService,
    private readonly runGraph: RunGraphService,
  ) {}

  @MessagePattern(ledgerSubject('events'))
  events(@Payload(new ZodPipe(eventsQuery)) query: EventsQuery): Promise<Answer> {
    return this.eventsOfLog.list(query);
  }

  @MessagePattern(ledgerSubject('runs'))
  runs(@Payload(new ZodPipe(runsQuery)) query: ListQuery<'runs'>): Promise<Answer> {
    return this.lists.runs(query);
  }

  @MessagePattern(ledgerSubject('grants'))
  grants(@Payload(new ZodPipe(grantsQuery)) query: ListQuery<'grants'>): Promise<Answer> {
    return this.lists.grants(query);
  }

  @MessagePattern(ledgerSubject('actions'))
  actions(@Payload(new ZodPipe(actionsQuery)) query: ListQuery<'actions'>): Promise<Answer> {
    return this.lists.actions(query);
  }

  @MessagePattern(ledgerSubject('approvals'))
  approvals(@Payload(new ZodPipe(approvalsQuery)) query: ListQuery<'approvals'>): Promise<Answer> {
    return this.lists.approvals(query);
  }

  @MessagePattern(ledgerSubject('graph'))
  graph(@Payload(new ZodPipe(runQuery)) query: RunQuery): Promise<Answer> {
    return this.runGraph.graph(query);
  }
}
