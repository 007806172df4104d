import type { Piece } from '@bailiwick/transparency-log/pieces';
import type { ConsequenceRow } from './entities/consequence';
import type { Item } from './entities/item';

// The statements that write a batch, for the live follower (through TypeORM) and for a rebuild (on its dedicated
// connection). TypeORM cannot express them: one statement writes to four tables, and only if the first write succeeds.

/** The rows and pieces derived from a batch of events. */
export interface Made {
  readonly pieces: readonly Piece[];
  readonly items: readonly Item[];
  readonly consequences: readonly ConsequenceRow[];
}

/** Maximum rows of one statement: a rule may revoke any number of grants, and the size of a statement is limited. */
const ROWS_AT_ONCE = 2_000;

/** Splits a batch into parts that fit into one statement each; the first part contains the pieces of the tree. */
function parts({ pieces, items, consequences }: Made): [Made, ...Made[]] {
  const part = (at: number): Made => ({
    pieces: at === 0 ? pieces : [],
    items: items.slice(at, at + ROWS_AT_ONCE),
    consequences: consequences.slice(at, at + ROWS_AT_ONCE),
  });
  const more: Made[] = [];
  for (let at = ROWS_AT_ONCE; at < Math.max(items.length, consequences.length); at += ROWS_AT_ONCE) more.push(part(at));
  return [part(0), ...more];
}

type Run = (sql: string, values: unknown[]) => Promise<unknown[]>;
/** Executes the statements that write a batch. */
export interface Writer {
  /** the statement that advances the position: `MOVE_LIVE` or `MOVE_REBUILT` */
  readonly move: string;
  /** the parameters of that statement in addition to log, `from` and `next` */
  readonly more?: readonly unknown[];
  readonly run: Run;
  /** runs several statements in one transaction */
  together(work: (run: Run) => Promise<void>): Promise<void>;
}

/** Writes a batch completely or not at all, and only if the stored position is `from`. */
export async function writeMade(by: Writer, log: string, from: number, next: number, made: Made): Promise<void> {
  const [first, ...rest] = parts(made);
  if (rest.length === 0) return writePart(by, by.run, log, from, next, first);
  await by.together(async (run) => {
    await writePart(by, run, log, from, next, first);
    for (const part of rest) await writePart(by, run, log, next, next, part);
  });
}

async function writePart(
  { move, more = [] }: Writer,
  run: Run,
  log: string,
  from: number,
  next: number,
  { pieces, items, consequences }: Made,
): Promise<void> {
  const moved = await run(writing(move), [
    log,
    from,
    next,
    pieces.map((each) => each.level),
    pieces.map((each) => each.index),
    pieces.map((each) => each.hashes),
    // a view is a text within the text: the server cannot parse \u0000 in JSON, but stores it unchanged in a text
    JSON.stringify(items.map((row) => ({ ...row, view: JSON.stringify(row.view) }))),
    JSON.stringify(consequences),
    ...more,
  ]);
  if (moved.length === 0) throw new Error(`another ledger has followed ${log} past ${from}`);
}

/**
 * Advances the follower, only from `from`: of two ledgers that follow one log, one succeeds. `form` is the format of the
 * rows; a release that writes an earlier format does not set it.
 */
export const MOVE_LIVE = `
  INSERT INTO ledger.follower (log, position, form)
  SELECT $1, $3::bigint, 2 WHERE $2::bigint = 0 OR EXISTS (SELECT FROM ledger.follower WHERE log = $1)
  ON CONFLICT (log) DO UPDATE SET position = excluded.position WHERE ledger.follower.position = $2
  RETURNING gen`;
/** Advances a rebuild, of the generation `$9`. */
export const MOVE_REBUILT = `
  UPDATE ledger.rebuild SET position = $3::bigint WHERE log = $1 AND position = $2::bigint AND gen = $9 AND ended IS NULL
  RETURNING gen`;

/**
 * Writes only if the follower advanced, so that each hash is appended to a piece once, in the generation that advanced.
 * The commit does not wait for the disk: if a crash of the server loses it, the follower repeats it from the log.
 */
const writing = (move: string): string => `
WITH moved AS (${move}, set_config('synchronous_commit', 'off', true)
), pieces AS (
  INSERT INTO ledger.all_piece AS old (log, gen, level, index, hashes)
  SELECT $1, gen, p.* FROM moved, unnest($4::int[], $5::bigint[], $6::bytea[]) AS p
  ON CONFLICT (log, gen, level, index) DO UPDATE SET hashes = old.hashes || excluded.hashes
), items AS (
  INSERT INTO ledger.all_item (log, gen, kind, id, position, updated, tree_id, run_id, grant_id, agent_class, status, view)
  SELECT $1, gen, kind, id, i.position, updated, "treeId", "runId", "grantId", "agentClass", status, view::json
  FROM moved, json_to_recordset($7::json) AS i (
    kind text, id text, position bigint, updated bigint,
    "treeId" text, "runId" text, "grantId" text, "agentClass" text, status text, view text)
  ON CONFLICT (log, gen, kind, id) DO UPDATE
  SET updated = excluded.updated, status = excluded.status, view = excluded.view, grant_id = excluded.grant_id
), consequences AS (
  INSERT INTO ledger.all_consequence (log, gen, revocation_id, grant_id, run_id, agent_class, in_flight, pending_approvals, reserved_cost, position)
  SELECT $1, gen, c.* FROM moved, json_to_recordset($8::json) AS c (
    "revocationId" text, "grantId" text, "runId" text, "agentClass" text,
    "inFlight" int, "pendingApprovals" int, "reservedCost" json, position bigint)
  ON CONFLICT DO NOTHING
)
SELECT FROM moved`;
