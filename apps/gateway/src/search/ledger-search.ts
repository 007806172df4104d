import { Injectable } from '@nestjs/common';
import type { Searched } from '@bailiwick/contracts/queries/search';
import { PersonNames } from '../auth/person-names';
import { actorIdOf, Pseudonyms } from '../auth/pseudonyms';
import { Reply } from '../http/responses/http-response';
import { NDJSON } from '../http/responses/ndjson';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import type { Query } from './queries';

/** The parts of a query that name people, or text of people. */
type Named = 'principal' | 'purpose' | 'decidedBy';
interface Page {
  readonly items: readonly unknown[];
  readonly next: string | number | null;
}

/** Searches the ledger's read models within the caller's tenant (I9). */
@Injectable()
export class LedgerSearch {
  constructor(
    private readonly logClient: LogClient,
    private readonly pseudonyms: Pseudonyms,
    private readonly names: PersonNames,
  ) {}

  /** One page of a list. */
  async list(context: RequestContext, searched: Searched, query: Query): Promise<Reply> {
    const found = await this.logClient.ledger<Page>(searched, this.scoped(context, query));
    return pageReply(context, await this.names.shown(context.caller, found), 'cursor');
  }

  /** One page of events. */
  async events(context: RequestContext, query: Query): Promise<Reply> {
    const found = await this.logClient.ledger<Page>('events', this.scoped(context, query));
    return pageReply(context, await this.names.shown(context.caller, found), 'after');
  }

  /** A query with its tenant. People and purposes are searched by their refs: no row contains their names (I9). */
  scoped({ caller: { tenant } }: Pick<RequestContext, 'caller'>, query: Query): Query & { tenant: string } {
    const { principal, purpose, decidedBy, ...rest } = query as Query & Partial<Record<Named, string>>;
    return {
      ...rest,
      tenant,
      ...(decidedBy === undefined ? {} : { decidedBy: actorIdOf(this.pseudonyms, tenant, decidedBy) }),
      ...(principal === undefined ? {} : { principalRef: this.pseudonyms.ref(tenant, 'person', principal) }),
      ...(purpose === undefined ? {} : { purposeRef: this.pseudonyms.ref(tenant, 'purpose', purpose) }),
    };
  }
}

/**
 * A page as JSON, or as NDJSON if the client accepts it. Both link to the next page (RFC 8288).
 * @param by the query parameter that takes `next`
 */
function pageReply({ request }: Pick<RequestContext, 'request'>, found: Page, by: 'cursor' | 'after'): Reply {
  const headers: Record<string, string> = {};
  if (found.next !== null) {
    const url = new URL(request.url, 'http://localhost');
    url.searchParams.set(by, String(found.next));
    headers.link = `<${url.pathname}${url.search}>; rel="next"`;
  }
  if (!(request.headers.accept ?? '').includes(NDJSON)) return Reply.json(found, { headers });
  return Reply.text(found.items.map((item) => `${JSON.stringify(item)}\n`).join(''), NDJSON, headers);
}
