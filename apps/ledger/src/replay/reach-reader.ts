import { Pool } from 'pg';
import type { Catalog } from '@bailiwick/authority/matching/catalog/compile';
import { isDecision } from '@bailiwick/authority/what-if/recorded';
import { readBody } from '@bailiwick/authority/state/set-aside';
import { changedVerbs, Reach } from '@bailiwick/authority/what-if/reach';
import { Reclassifier } from '@bailiwick/authority/what-if/reclassify';
import type { DecidedAction } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { PolicyReach } from '@bailiwick/contracts/policy/policy-diff';
import { LIMITS } from '@bailiwick/core/limits';
import type { Bodies } from '@bailiwick/event-store/postgres/bodies';
import { databaseWaits } from '@bailiwick/event-store/postgres/waits';

export interface ReachQuery {
  readonly log: string;
  readonly databaseUrl: string;
  readonly bodies: Pick<Bodies, 'at'>;
  /** the catalog in force, and the candidate */
  readonly before: Catalog;
  readonly after: Catalog;
  readonly used: Iterable<readonly [verb: string, tool: string | undefined]>;
}

interface GrantRow {
  readonly id: string;
  readonly position: string;
  readonly run_id: string;
  readonly tree_id: string;
  readonly agent_class: string | null;
  readonly limits: Limits;
}
interface ApprovalRow {
  readonly id: string;
  readonly position: string;
  readonly run_id: string;
}

const PAGE = 2_000;

/**
 * Compares the live leases and the pending requests of a log, as the read models list them, under two catalogs. It reads
 * them a page at a time, newest first, on a dedicated connection.
 */
export async function readReach({ log, databaseUrl, bodies, before, after, used }: ReachQuery): Promise<PolicyReach> {
  const changed = changedVerbs(before, after, used);
  const reach = new Reach(changed);
  if (changed.length === 0) return reach.summary(false);
  const pool = new Pool({
    connectionString: databaseUrl,
    max: 1,
    application_name: 'bailiwick-reach',
    ...databaseWaits(),
  });
  pool.on('error', () => undefined); // the next page reports it
  try {
    const grants = await pages<GrantRow>(pool, GRANTS, log, LIMITS.policy.diffGrants, (rows) => {
      for (const { id, run_id, tree_id, agent_class, limits } of rows)
        reach.grant({ grantId: id, runId: run_id, treeId: tree_id, agentClass: agent_class ?? '', limits });
    });
    const reclassifier = new Reclassifier(after);
    const approvals = await pages<ApprovalRow>(pool, APPROVALS, log, LIMITS.policy.diffApprovals, async (rows) => {
      const calls = await stepUps(bodies, log, rows);
      for (const { id, run_id } of rows) {
        const call = calls.get(id);
        if (call) reach.approval(id, run_id, call, reclassifier.of(call, before, false).data);
      }
    });
    return reach.summary(grants || approvals || changed.length === LIMITS.policy.diffVerbs);
  } finally {
    await pool.end();
  }
}

const selected = (columns: string, condition: string): string =>
  `SELECT id, position, run_id, tree_id, agent_class${columns} FROM ledger.item
   WHERE log = $1 AND ${condition} AND position < $2 ORDER BY position DESC LIMIT $3`;
const GRANTS = selected(`, view->'limits' AS limits`, `kind = 'grant' AND status IN ('active', 'suspended')`);
const APPROVALS = selected('', `kind = 'approval' AND status = 'pending' AND view->>'kind' = 'action'`);

/** Reads rows, newest first. @returns true if there are more than `most` */
async function pages<Row extends { readonly position: string }>(
  pool: Pool,
  text: string,
  log: string,
  most: number,
  take: (rows: readonly Row[]) => void | Promise<void>,
): Promise<boolean> {
  let before = Number.MAX_SAFE_INTEGER;
  for (let read = 0; read < most;) {
    const { rows } = await pool.query<Row>({ text, values: [log, before, Math.min(PAGE, most - read)] });
    await take(rows);
    read += rows.length;
    if (rows.length < PAGE) return false;
    before = Number(rows.at(-1)?.position);
  }
  return true;
}

/** Returns the recorded calls of requests by the ids of the requests: the decision follows its request in the log. */
async function stepUps(
  bodies: Pick<Bodies, 'at'>,
  log: string,
  rows: readonly ApprovalRow[],
): Promise<ReadonlyMap<string, DecidedAction>> {
  const calls = new Map<string, DecidedAction>();
  for (const body of await bodies.at(
    log,
    rows.map(({ position }) => Number(position) + 1),
  )) {
    const read = readBody(body);
    if (read.ok && isDecision(read.value) && read.value.data.approvalId !== undefined)
      calls.set(read.value.data.approvalId, read.value.data);
  }
  return calls;
}
