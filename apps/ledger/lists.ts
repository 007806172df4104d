import { countsOf } from '#authority/views';
import { idOf, logNameSchema, tenantName } from '#contracts/primitives';
import { LIMITS } from '#kernel/limits';
import { z } from 'zod';
import { actionsOf } from './actions';
import type { LogLedger } from './log-ledger';
import { catchUp, found, NotYet, op, refuse, withTree, type Backends, type Op } from './op';
import type { ItemFilter, ItemRow, Place } from './store';

const listQuery = z.strictObject({
  tenant: tenantName,
  limit: z.number().int().min(1).max(LIMITS.eventsPageMax).optional(),
  minPosition: z.number().int().min(0).optional(),
  cursor: z.string().max(400).optional(),
  status: z.string().max(40).optional(),
  agentClass: z.string().max(200).optional(),
  treeId: idOf('tree').optional(),
  runId: idOf('run').optional(),
});

/** `next`: the place behind which the next page begins; undefined where there is none. */
type Page = (
  backends: Backends,
  mine: readonly LogLedger[],
  filter: ItemFilter,
) => Promise<{ items: readonly unknown[]; next: Place | undefined }>;

const list = (read: Page): Op =>
  op(listQuery, async (backends, { cursor, limit = LIMITS.eventsPageDefault, minPosition, ...filter }) => {
    const ofTenant = [...backends.ledgers].filter(([log]) => log.startsWith(`${filter.tenant}/`));
    const mine = ofTenant.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, ledger]) => ledger);
    await catchUp(mine, minPosition);
    const after = cursor === undefined ? undefined : readCursor(cursor);
    if (cursor !== undefined && !after) return refuse('BAD_REQUEST', 'the cursor is not one that was given here');
    const asOf = Object.fromEntries(mine.map((ledger) => [ledger.state.log, ledger.position - 1]));
    const { items, next } = await read(backends, mine, { ...filter, after, limit });
    return found({ items, next: next ? cursorOf(next) : null, asOf });
  });

/** Of the rows of one kind; a grant's counts are those of now. */
const rowsOf =
  (kind: ItemRow['kind']): Page =>
  async ({ store, ledgers }, _mine, filter) => {
    const rows = await store.items(kind, { ...filter, limit: filter.limit + 1 });
    const items = rows.slice(0, filter.limit);
    const next = rows.length > items.length ? items.at(-1) : undefined;
    return { items: items.map((row) => (kind === 'grant' ? withCounts(ledgers, row) : row.view)), next };
  };

function withCounts(ledgers: Backends['ledgers'], { log, id, view }: ItemRow): unknown {
  const grant = ledgers.get(log)?.state.grants.get(id);
  if (!grant) throw new NotYet(`the state of ${log} is being folded anew; try again`);
  return { ...(view as object), ...countsOf(grant) };
}

const actions: Page = async ({ eventlog }, mine, filter) => {
  const inTree = await withTree(eventlog, mine, filter);
  const logs = mine.map(({ state }) => state.log);
  return inTree ? actionsOf(eventlog, logs, inTree) : { items: [], next: undefined };
};

const cursorOf = ({ log, position, id }: Place): string =>
  Buffer.from(JSON.stringify([log, position, id])).toString('base64url');

function readCursor(cursor: string): Place | undefined {
  try {
    const parsed = z
      .tuple([logNameSchema, z.number().int().min(0), z.string().regex(/^[\w/-]{1,200}$/)])
      .safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    return parsed.success ? { log: parsed.data[0], position: parsed.data[1], id: parsed.data[2] } : undefined;
  } catch {
    return undefined;
  }
}

/** Runs, grants, actions and approvals, by any of their fields, page by page. */
export const LIST_OPS: Readonly<Record<string, Op>> = {
  runs: list(rowsOf('run')),
  grants: list(rowsOf('grant')),
  actions: list(actions),
  approvals: list(rowsOf('approval')),
};
