import { z } from 'zod';
import { SEARCHES, type Searched } from '@bailiwick/contracts/search';
import { LIMITS } from '@bailiwick/core/limits';
import { logName } from '@bailiwick/core/ids';
import type { Role } from '../auth/api-keys';
import { route, wholeNumber, type Context, type Reply, type Route } from '../http/route';
import { streamEvents } from '../event-stream/event-stream';

const limit = wholeNumber(1, LIMITS.eventsPageMax).optional();
const minPosition = wholeNumber(0).optional();
const page = { cursor: z.string().max(400).optional(), limit, minPosition };
const after = wholeNumber(-1).optional();

interface Page {
  readonly items: readonly unknown[];
  readonly next: string | number | null;
}
type Asked = Readonly<Record<string, unknown>>;

/** A person and a purpose are searched by their refs: what they are called stands in no row (I9). */
function asked({ caller, services }: Pick<Context, 'caller' | 'services'>, query: Asked): Asked & { tenant: string } {
  const { principal, purpose, ...rest } = query as Asked & { principal?: string; purpose?: string };
  const { tenant } = caller;
  return {
    ...rest,
    tenant,
    ...(principal === undefined ? {} : { principalRef: services.pseudonyms.ref(tenant, 'person', principal) }),
    ...(purpose === undefined ? {} : { purposeRef: services.pseudonyms.ref(tenant, 'purpose', purpose) }),
  };
}

/**
 * A page as JSON, or as NDJSON where that is asked for. Both name the next page in a `Link` (RFC 8288).
 * @param by the query parameter that takes `next`
 */
function paged({ request }: Pick<Context, 'request'>, found: Page, by: 'cursor' | 'after'): Reply {
  const headers: Record<string, string> = {};
  if (found.next !== null) {
    const url = new URL(request.url, 'http://localhost');
    url.searchParams.set(by, String(found.next));
    headers.link = `<${url.pathname}${url.search}>; rel="next"`;
  }
  if (!(request.headers.accept ?? '').includes('application/x-ndjson')) return { body: found, headers };
  const text = found.items.map((item) => `${JSON.stringify(item)}\n`).join('');
  return { text, type: 'application/x-ndjson', headers };
}

/** One page of what the ledger lists. */
export async function ledgerList(context: Context, op: Searched, query: Asked): Promise<Reply> {
  return paged(context, await context.services.owners.ledger<Page>(op, asked(context, query)), 'cursor');
}

const list = (op: 'runs' | 'grants' | 'actions', summary: string): Route =>
  route({
    method: 'GET',
    path: `/v1/${op}`,
    summary,
    roles: ['analyst', 'orchestrator', 'approver', 'responder'] satisfies Role[],
    query: SEARCHES[op].extend(page),
    answer: z.object({ items: z.array(z.unknown()), next: z.string().nullable(), asOf: z.unknown() }),
    handle: (context) => ledgerList(context as unknown as Context, op, context.query),
  });

/** Lists, by any of their fields and by words; and events, one page or as they are committed. */
export const listRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/events',
    summary: 'Events in the order of the log, by any of their fields; as JSON, or as NDJSON lines',
    roles: ['analyst'],
    query: SEARCHES.events.extend({ after, limit, minPosition }),
    async handle(context) {
      const query = asked(context, context.query);
      const found = await context.services.owners.ledger<Page>('events', query);
      return paged(context, found, 'after');
    },
  }),
  route({
    method: 'GET',
    path: '/v1/events/stream',
    summary: 'Events as they are committed (server-sent events); Last-Event-ID resumes',
    roles: ['analyst', 'enforcer', 'responder'],
    query: SEARCHES.events.extend({ after }),
    async handle(context) {
      const query = asked(context, { log: logName(context.caller.tenant, 0), ...context.query });
      return { stream: (reply) => streamEvents({ ...context, query } as unknown as Context, reply) };
    },
  }),
  list('runs', 'Runs, by any of their fields'),
  list('grants', 'Grants, by any of their fields'),
  list('actions', 'Actions, by any of their fields'),
];
