import { Controller } from '@nestjs/common';
import { logName } from '@bailiwick/core/ids';
import { Ctx, Endpoint, Query } from '../http/endpoints/endpoint';
import { Streamed, type Reply } from '../http/responses/http-response';
import type { RequestContext } from '../http/request-context';
import { LedgerSearch } from '../search/ledger-search';
import { eventsQuery, eventStreamQuery, type Query as SearchQuery } from '../search/queries';
import { EventStreams } from './event-streams';

/** Events, one page at a time or as they are committed. */
@Controller()
export class EventsController {
  constructor(
    private readonly search: LedgerSearch,
    private readonly streams: EventStreams,
  ) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/events',
    summary: 'Events in the order of the log, by any of their fields; as JSON, or as NDJSON lines',
    roles: ['analyst'],
  })
  list(@Ctx() context: RequestContext, @Query(eventsQuery) query: SearchQuery): Promise<Reply> {
    return this.search.events(context, query);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/events/stream',
    summary: 'Events as they are committed (server-sent events); Last-Event-ID resumes',
    roles: ['analyst', 'enforcer', 'responder'],
    streams: true,
  })
  stream(@Ctx() context: RequestContext, @Query(eventStreamQuery) query: SearchQuery): Streamed {
    const scoped = this.search.scoped(context, { log: logName(context.caller.tenant, 0), ...query });
    return new Streamed((reply) => this.streams.stream(context, scoped, reply));
  }
}
