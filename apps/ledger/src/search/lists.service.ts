import { Injectable } from '@nestjs/common';
import { countsOf, importedAt, type Counts } from '@bailiwick/authority/presentation/views';
import type { Answer } from '@bailiwick/contracts/commands/command';
import type { Filter, Order } from '@bailiwick/contracts/queries/search';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { Sources } from '../connections/sources';
import { catchUp, folded } from '../follower/catch-up';
import type { LogLedger } from '../follower/log-ledger';
import { LogLedgers } from '../follower/log-ledgers';
import type { ItemRow } from '../read-models/entities/item';
import type { Place } from '../read-models/items.repository';
import { found, missing, refuse } from '../rpc/answers';
import { NotYet } from '../rpc/errors';
import { actionsOf } from './actions';
import { decodeCursor, encodeCursor, startOf, type Spot } from './cursor';
import { inTree } from './in-tree';
import type { Listed, ListQuery } from './queries';
import { rowsOf } from './rows';

interface Page {
  readonly items: readonly unknown[];
  /** where the next page starts; undefined if this is the last page of its log */
  readonly next: Spot | undefined;
}
type PageFilter<T extends Listed> = Filter<T> & { tenant: string; after: Spot; limit: number };
/** Reads one page of one log. */
type ReadPage<T extends Listed> = (ledger: LogLedger, filter: PageFilter<T>) => Promise<Page>;

/** Lists runs, grants, actions and approvals by any of their fields, page by page. */
@Injectable()
export class ListsService {
  constructor(
    private readonly ledgers: LogLedgers,
    private readonly sources: Sources,
  ) {}

  runs(query: ListQuery<'runs'>): Promise<Answer> {
    return this.list('runs', query, (ledger, filter) => this.rows('run', ledger, filter, ({ view }) => view));
  }

  grants(query: ListQuery<'grants'>): Promise<Answer> {
    return this.list('grants', query, (ledger, filter) =>
      this.rows('grant', ledger, filter, (row) => withCounts(ledger, row)),
    );
  }

  approvals(query: ListQuery<'approvals'>): Promise<Answer> {
    return this.list('approvals', query, (ledger, filter) => this.rows('approval', ledger, filter, ({ view }) => view));
  }

  actions(query: ListQuery<'actions'>): Promise<Answer> {
    return this.list('actions', query, async (ledger, { after, ...rest }) => {
      const filter = await inTree(this.sources, [ledger], rest);
      if (!filter) return { items: [], next: undefined };
      const { items, next } = await actionsOf(this.sources, ledger.state, { ...filter, after: after.position });
      return { items, next: next === undefined ? undefined : { position: next, id: '' } };
    });
  }

  private async rows(
    kind: ItemRow['kind'],
    ledger: LogLedger,
    filter: Parameters<typeof rowsOf>[3],
    viewOf: (row: ItemRow) => unknown,
  ): Promise<Page> {
    const { items, next } = await rowsOf(kind, this.sources, ledger, filter);
    const views = items.map((row) => ({ ...(viewOf(row) as object), ...importedAt(ledger.state, row.position) }));
    return { items: views, next };
  }

  private async list<T extends Listed>(searched: T, query: ListQuery<T>, read: ReadPage<T>): Promise<Answer> {
    const { cursor, limit = LIMITS.eventsPageDefault, minPosition, tenant, ...filter } = query as ListQuery<Listed>;
    const question = canonicalDigest({ searched, ...filter }).slice(7, 23);
    const after = cursor === undefined ? undefined : decodeCursor(cursor);
    if (cursor !== undefined && !after)
      return refuse('BAD_REQUEST', 'the cursor is not valid; use `next` of the previous page');
    if (after && after.question !== question)
      return refuse(
        'BAD_REQUEST',
        'the cursor belongs to another list or other filters; send it with the same list and filters',
      );
    const ledgers = await this.ledgers.ofTenant(tenant, filter.log);
    if (ledgers.length === 0 && filter.log !== undefined) return missing(filter.log);
    await catchUp(ledgers, minPosition);
    ledgers.forEach(folded);
    const { items, next } = await across(
      ledgers,
      'order' in filter ? filter.order : undefined,
      after,
      limit,
      (ledger, spot, most) => read(ledger, { ...filter, tenant, after: spot, limit: most } as PageFilter<T>),
    );
    const asOf = Object.fromEntries(ledgers.map((ledger) => [ledger.state.log, ledger.position - 1]));
    return found({ items, next: next ? encodeCursor({ ...next, question }) : null, asOf });
  }
}

/** Reads one page over several logs, one log after the other: the last log first if the newest items are. */
async function across(
  ledgers: readonly LogLedger[],
  order: Order,
  after: Place | undefined,
  limit: number,
  read: (ledger: LogLedger, after: Spot, limit: number) => Promise<Page>,
): Promise<{ items: unknown[]; next: Place | undefined }> {
  const items: unknown[] = [];
  const start = startOf(order);
  for (const ledger of from(after?.log, order, ledgers)) {
    const { log } = ledger.state;
    if (items.length === limit) return { items, next: { log, ...start } };
    const page = await read(ledger, log === after?.log ? after : start, limit - items.length);
    items.push(...page.items);
    if (page.next) return { items, next: { log, ...page.next } };
  }
  return { items, next: undefined };
}

/** The logs that are left to read, in the order in which they are read. */
function from(log: string | undefined, order: Order, ledgers: readonly LogLedger[]): readonly LogLedger[] {
  const ordered = order === 'newest' ? ledgers.toReversed() : ledgers;
  return log === undefined
    ? ordered
    : ordered.filter(({ state }) => (order === 'newest' ? state.log <= log : state.log >= log));
}

/** Adds the counts of a grant to its view: the current ones, or the final ones if the grant has ended. */
function withCounts({ state }: LogLedger, { id, view }: ItemRow): unknown {
  const grant = state.grants.get(id);
  if (grant) return { ...(view as object), ...countsOf(grant) };
  // the state drops only leases that have ended, and the row of an ended lease contains its counts
  if ((view as Partial<Counts>).consumed === undefined)
    throw new NotYet(`the state of ${state.log} is being refolded; try again`);
  return view;
}
