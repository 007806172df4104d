import { Pool } from 'pg';
import type { Catalog } from '@bailiwick/authority/matching/catalog/compile';
import { isDecision } from '@bailiwick/authority/what-if/recorded';
import { readBody } from '@bailiwick/authority/state/set-aside';
import type { Question } from '@bailiwick/authority/approvals/approval-rules';
import { questionForLease } from '@bailiwick/authority/approvals/terms';
import { changedVerbs, Reach, type Ruled } from '@bailiwick/authority/what-if/reach';
import { Reclassifier } from '@bailiwick/authority/what-if/reclassify';
import type { DecidedAction, EventOf } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { PolicyReach } from '@bailiwick/contracts/policy/policy-diff';
import { LIMITS } from '@bailiwick/core/limits';
import type { Bodies } from '@bailiwick/event-store/postgres/bodies';
import { databaseWaits } from '@bailiwick/event-store/postgres/waits';

export interface ReachQuery {
  readonly log: string;
  readonly databaseUrl: string;
  readonly bodies: Pick<Bodies, 'at'>;
  /** the policy in force, and the candidate */
  readonly before: Compared;
  readonly after: Compared;
  readonly used: Iterable<readonly [verb: string, tool: string | undefined]>;
}

type Compared = Ruled & { readonly catalog: Catalog };

interface GrantRow {
  readonly id: string;
  readonly position: string;
  readonly run_id: string;
  readonly tree_id: string;
  readonly agent_class: string | null;
  readonly limits: Limits;
  readonly issued_at: string;
}
interface ApprovalRow {
  readonly id: string;
  readonly position: string;
  readonly run_id: string;
  readonly agent_class: string | null;
}

const PAGE = 2_000;

/**
 * Compares the live leases and the pending requests of a log, as the read models list them, under two catalogs. It reads
 * them a page at a time, newest first, on a dedicated connection.
 */
export async function readReach({ log, databaseUrl, bodies, before, after, used }: ReachQuery): Promise<PolicyReach> {
  const changed = changedVerbs(before.catalog, after.catalog, used);
  const reach = new Reach(changed, before, after);
  const isRuled = [before, after].some(({ agents, approvals }) => agents !== undefined || approvals !== undefined);
  if (changed.length === 0 && !isRuled) return reach.summary(false);
  const pool = new Pool({
    connectionString: databaseUrl,
    max: 1,
    application_name: 'bailiwick-reach',
    ...databaseWaits(),
  });
  pool.on('error', () => undefined); // the next page reports it
  try {
    const grants = await pages<GrantRow>(pool, GRANTS, log, LIMITS.policy.diffGrants, (rows) => {
      for (const { id, run_id, tree_id, agent_class, limits, issued_at } of rows) {
        const named = { grantId: id, runId: run_id, treeId: tree_id, agentClass: agent_class ?? '' };
        reach.grant({ ...named, limits, issuedAt: Date.parse(issued_at) });
      }
    });
    const reclassifier = new Reclassifier(after.catalog);
    const approvals = await pages<ApprovalRow>(pool, APPROVALS, log, LIMITS.policy.diffApprovals, async (rows) => {
      const { calls, asked } = await requests(bodies, log, rows);
      for (const { id, run_id, agent_class } of rows) {
        const [call, request] = [calls.get(id), asked.get(id)];
        const question = request && questionOf(request, agent_class ?? '', call);
        if (!question) continue;
        const both = call && ([call, reclassifier.of(call, before.catalog, false).data] as const);
        reach.request({ approvalId: id, runId: run_id, question, call: both });
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
const GRANTS = selected(
  `, view->'limits' AS limits, view->>'issuedAt' AS issued_at`,
  `kind = 'grant' AND status IN ('active', 'suspended')`,
);
const APPROVALS = selected('', `kind = 'approval' AND status = 'pending'`);

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

/**
 * Returns pending requests by their ids, and the recorded calls of those that a call makes: its decision follows its request
 * in the log.
 */
async function requests(
  bodies: Pick<Bodies, 'at'>,
  log: string,
  rows: readonly ApprovalRow[],
): Promise<{ readonly calls: ReadonlyMap<string, DecidedAction>; readonly asked: ReadonlyMap<string, Requested> }> {
  const calls = new Map<string, DecidedAction>();
  const asked = new Map<string, Requested>();
  const positions = rows.map(({ position }) => Number(position));
  for (const body of await bodies.at(log, [...positions, ...positions.map((each) => each + 1)])) {
    const read = readBody(body);
    if (!read.ok) continue;
    if (read.value.type === 'ApprovalRequested') asked.set(read.value.data.approvalId, read.value.data);
    else if (isDecision(read.value) && read.value.data.approvalId !== undefined)
      calls.set(read.value.data.approvalId, read.value.data);
  }
  return { calls, asked };
}
type Requested = EventOf<'ApprovalRequested'>['data'];

/** Returns a request as rules about approvals see it. A call whose decision is not there cannot be compared. */
function questionOf(
  { kind, limits }: Requested,
  agentClass: string,
  call: DecidedAction | undefined,
): Question | undefined {
  if (kind !== 'action') return limits && questionForLease(kind, agentClass, limits);
  if (!call) return undefined;
  const { verb, risk, effect, effects = [effect], charge } = call;
  return { kind, agentClass, risk, verb, effects, cost: charge.cost };
}
