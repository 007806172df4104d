import { countsOf, importedAt, type Counts } from '@bailiwick/authority/presentation/views';
import { logNameSchema, tenantName } from '@bailiwick/contracts/primitives';
import { FILTERS, type Filter, type Searched } from '@bailiwick/contracts/search';
import { canonicalDigest } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { z } from 'zod';
import { actionsOf } from './actions';
import type { LogLedger } from '../follower/log-ledger';
import {
  catchUp,
  folded,
  found,
  missing,
  NotYet,
  op,
  refuse,
  withTree,
  type Backends,
  type Op,
} from '../operations/operation';
import { rowsOf } from './rows';
import type { ItemRow, Place } from '../read-models/store';

const paging = {
  tenant: tenantName,
  limit: z.number().int().min(1).max(LIMITS.eventsPageMax).optional(),
  minPosition: z.number().int().min(0).optional(),
  cursor: z.string().max(400).optional(),
};

/** Where in one log a page goes on. */
export type Spot = Omit<Place, 'log'>;
/** What one log has of a list. `next`: behind which spot the next page begins; undefined where there is none. */
type Page<T extends Searched> = (
  backends: Backends,
  ledger: LogLedger,
  filter: Filter<T> & { tenant: string; after: Spot; limit: number },
) => Promise<{ items: readonly unknown[]; next: Spot | undefined }>;

const list = <T extends Exclude<Searched, 'events'>>(searched: T, read: Page<T>): Op =>
  op(FILTERS[searched].extend(paging), async (backends, request) => {
    const { cursor, limit = LIMITS.eventsPageDefault, minPosition, tenant, ...filter } = request;
    const question = canonicalDigest({ searched, ...filter }).slice(7, 23);
    const after = cursor === undefined ? undefined : readCursor(cursor);
    if (cursor !== undefined && !after) return refuse('BAD_REQUEST', 'the cursor is not one that was given here');
    if (after && after.question !== question)
      return refuse('BAD_REQUEST', 'the cursor was given for another list or other filters; it goes on with no other');
    const mine = ledgersOf(backends, tenant, filter.log);
    if (mine.length === 0 && filter.log !== undefined) return missing(filter.log);
    await catchUp(mine, minPosition);
    mine.forEach(folded);
    const { items, next } = await across(mine, after, limit, (ledger, spot, most) =>
      read(backends, ledger, { ...(filter as Filter<T>), tenant, after: spot, limit: most }),
    );
    const asOf = Object.fromEntries(mine.map((ledger) => [ledger.state.log, ledger.position - 1]));
    return found({ items, next: next ? cursorOf({ ...next, question }) : null, asOf });
  });

/** The ledgers of a tenant's logs, in order (I9). */
function ledgersOf(backends: Backends, tenant: string, only: string | undefined): LogLedger[] {
  const mine = [...backends.ledgers].filter(
    ([log]) => log.startsWith(`${tenant}/`) && (only === undefined || log === only),
  );
  return mine.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, ledger]) => ledger);
}

const START: Spot = { position: -1, id: '' };

/** One page over several logs, one after the other. */
async function across(
  ledgers: readonly LogLedger[],
  after: Place | undefined,
  limit: number,
  read: (
    ledger: LogLedger,
    after: Spot,
    limit: number,
  ) => Promise<{ items: readonly unknown[]; next: Spot | undefined }>,
): Promise<{ items: unknown[]; next: Place | undefined }> {
  const items: unknown[] = [];
  for (const ledger of ledgers.filter(({ state }) => state.log >= (after?.log ?? ''))) {
    const { log } = ledger.state;
    if (items.length === limit) return { items, next: { log, ...START } };
    const page = await read(ledger, log === after?.log ? after : START, limit - items.length);
    items.push(...page.items);
    if (page.next) return { items, next: { log, ...page.next } };
  }
  return { items, next: undefined };
}

/** A grant's counts are those of now, or those that it ended with. */
function withCounts({ state }: LogLedger, { id, view }: ItemRow): unknown {
  const grant = state.grants.get(id);
  if (grant) return { ...(view as object), ...countsOf(grant) };
  // a lease that is forgotten has ended, and its row tells them
  if ((view as Partial<Counts>).consumed === undefined)
    throw new NotYet(`the state of ${state.log} is being folded anew; try again`);
  return view;
}

const actions: Page<'actions'> = async (backends, ledger, { after, ...filter }) => {
  const inTree = await withTree(backends, [ledger], filter);
  if (!inTree) return { items: [], next: undefined };
  const { items, next } = await actionsOf(backends, ledger.state, { ...inTree, after: after.position });
  return { items, next: next === undefined ? undefined : { position: next, id: '' } };
};

type Cursor = Place & { readonly question: string };
const cursorOf = ({ question, log, position, id }: Cursor): string =>
  Buffer.from(JSON.stringify([question, log, position, id])).toString('base64url');

function readCursor(cursor: string): Cursor | undefined {
  try {
    const parsed = z
      .tuple([
        z.string().regex(/^[0-9a-f]{16}$/),
        logNameSchema,
        z.number().int().min(-1),
        z.string().regex(/^[\w/-]{0,200}$/),
      ])
      .safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    if (!parsed.success) return undefined;
    const [question, log, position, id] = parsed.data;
    return { question, log, position, id };
  } catch {
    return undefined;
  }
}

/** Runs, grants, actions and approvals, by any of their fields, page by page. */
export const LIST_OPS: Readonly<Record<string, Op>> = {
  runs: list('runs', async (backends, ledger, filter) => {
    const { items, next } = await rowsOf('run', backends, ledger, filter);
    return {
      items: items.map((row) => ({ ...(row.view as object), ...importedAt(ledger.state, row.position) })),
      next,
    };
  }),
  grants: list('grants', async (backends, ledger, filter) => {
    const { items, next } = await rowsOf('grant', backends, ledger, filter);
    return {
      items: items.map((row) => ({
        ...(withCounts(ledger, row) as object),
        ...importedAt(ledger.state, row.position),
      })),
      next,
    };
  }),
  actions: list('actions', actions),
  approvals: list('approvals', async (backends, ledger, filter) => {
    const { items, next } = await rowsOf('approval', backends, ledger, filter);
    return {
      items: items.map((row) => ({ ...(row.view as object), ...importedAt(ledger.state, row.position) })),
      next,
    };
  }),
};
