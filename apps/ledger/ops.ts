import { readStored, type Words } from '#contracts/payload';
import { type KeyObject } from 'node:crypto';
import { grantView, runView, treeMembers } from '#authority/views';
import type { Answer } from '#contracts/command';
import { tenantName, idOf, logNameSchema } from '#contracts/primitives';
import type { EventLog, StoredEvent } from '#eventlog/port';
import { parseTime } from '#kernel/clock';
import { logName, logNumberOf } from '#kernel/ids';
import { LIMITS } from '#kernel/limits';
import { z } from 'zod';
import type { LogLedger } from './log-ledger';
import { custodyFor, receiptOf } from './receipts';
import type { ItemRow, LedgerStore } from './store';

export interface Backends {
  readonly ledgers: ReadonlyMap<string, LogLedger>;
  readonly eventlog: EventLog;
  readonly store: LedgerStore;
  readonly key: KeyObject;
}

const found = (value: unknown): Answer => ({ ok: true, value });
const refuse = (code: string, detail: string): Answer => ({ ok: false, refusal: { code, detail } });
const missing = (id: string): Answer => refuse('NOT_FOUND', `no ${id.slice(0, 80)} is known here`);

const page = {
  limit: z.number().int().min(1).max(LIMITS.eventsPageMax).optional(),
  minPosition: z.number().int().min(0).optional(),
};
const listQuery = z.strictObject({
  tenant: tenantName,
  ...page,
  cursor: z.string().max(400).optional(),
  status: z.string().max(40).optional(),
  agentClass: z.string().max(200).optional(),
  treeId: idOf('tree').optional(),
  runId: idOf('run').optional(),
});
const eventsQuery = z.strictObject({
  tenant: tenantName,
  ...page,
  after: z.number().int().min(-1).optional(),
  type: z.string().max(64).optional(),
  treeId: idOf('tree').optional(),
  runId: idOf('run').optional(),
  log: z.string().max(80).optional(),
});

type Op = (backends: Backends, raw: unknown) => Promise<Answer>;

/** Ties an operation to the schema of its request: what does not parse is told so. */
function op<S extends z.ZodType>(schema: S, run: (backends: Backends, request: z.infer<S>) => Promise<Answer>): Op {
  return (backends, raw) => {
    const parsed = schema.safeParse(raw);
    if (parsed.success) return run(backends, parsed.data).catch(notYet);
    const issue = parsed.error.issues[0];
    return Promise.resolve(refuse('BAD_REQUEST', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`));
  };
}

/** The read models do not hold the position that was asked for: better no answer than an old one. */
class NotYet extends Error {}

function notYet(error: unknown): Answer {
  if (error instanceof NotYet) return refuse('NOT_READY', error.message);
  throw error;
}

async function catchUp(ledgers: readonly (LogLedger | undefined)[], minPosition: number | undefined): Promise<void> {
  if (minPosition === undefined) return;
  const reached = await Promise.all(ledgers.map(async (ledger) => ledger?.reached(minPosition)));
  const late = ledgers[reached.indexOf(false)];
  if (late) throw new NotYet(`the read models stand at ${late.position - 1} and not at ${minPosition} yet; try again`);
}

/** The ledger of the log that an id names, within a tenant (I9), once it has reached a position. */
async function reach(
  backends: Backends,
  tenant: string,
  id: string,
  minPosition: number | undefined,
): Promise<LogLedger | undefined> {
  const n = logNumberOf(id);
  const ledger = n === undefined ? undefined : backends.ledgers.get(logName(tenant, n));
  await catchUp([ledger], minPosition);
  return ledger;
}

const list = (kind: ItemRow['kind']): Op =>
  op(listQuery, async (backends, { tenant, cursor, limit = LIMITS.eventsPageDefault, minPosition, ...filter }) => {
    const mine = [...backends.ledgers].filter(([log]) => log.startsWith(`${tenant}/`)).map(([, ledger]) => ledger);
    await catchUp(mine, minPosition);
    const after = cursor === undefined ? undefined : readCursor(cursor);
    if (cursor !== undefined && !after) return refuse('BAD_REQUEST', 'the cursor is not one that was given here');
    const asOf = Object.fromEntries(mine.map((ledger) => [ledger.state.log, ledger.position - 1]));
    const rows = await backends.store.items(kind, { tenant, ...filter, after, limit: limit + 1 });
    const shown = rows.slice(0, limit);
    const last = shown[shown.length - 1];
    const next =
      rows.length > limit && last
        ? Buffer.from(JSON.stringify([last.log, last.position, last.id])).toString('base64url')
        : null;
    return found({ items: shown.map((row) => row.view), next, asOf });
  });

function readCursor(cursor: string): { log: string; position: number; id: string } | undefined {
  try {
    const parsed = z
      .tuple([logNameSchema, z.number().int().min(0), z.string().regex(/^[\w/-]{1,200}$/)])
      .safeParse(JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8')));
    return parsed.success ? { log: parsed.data[0], position: parsed.data[1], id: parsed.data[2] } : undefined;
  } catch {
    return undefined;
  }
}

const shown = (stored: StoredEvent): unknown => {
  const { event, payload } = readStored(stored);
  return { ...event, ...(payload === null ? {} : { payload }) };
};

/** As many of the first as one page can hold; one at least. */
function fitting(stored: readonly StoredEvent[]): readonly StoredEvent[] {
  let bytes = 0;
  const end = stored.findIndex(({ body, payload }, i) => {
    bytes += Buffer.byteLength(body) + Buffer.byteLength(payload ?? '');
    return i > 0 && bytes > LIMITS.pageBytes;
  });
  return end < 0 ? stored : stored.slice(0, end);
}

const events = op(
  eventsQuery,
  async (backends, { tenant, limit = LIMITS.eventsPageDefault, minPosition, log = `${tenant}/0`, ...filter }) => {
    if (!log.startsWith(`${tenant}/`)) return missing(log);
    const ledger = backends.ledgers.get(log);
    if (!ledger && !(await backends.eventlog.listLogs(tenant)).includes(log)) return missing(log);
    await catchUp([ledger], minPosition);
    const stored = await backends.eventlog.search({ tenant, log, ...filter, limit });
    const taken = fitting(stored);
    const last = taken[taken.length - 1];
    return found({
      items: taken.map(shown),
      next: (stored.length === limit || taken.length < stored.length) && last ? last.position : null,
      asOf: { [log]: (await backends.eventlog.head(log)) - 1 },
    });
  },
);

const ofRun = z.strictObject({ tenant: tenantName, runId: idOf('run'), minPosition: page.minPosition });

const receipt = op(ofRun, async (backends, { tenant, runId, minPosition }) => {
  const ledger = await reach(backends, tenant, runId, minPosition);
  const envelope = ledger && (await receiptOf(ledger, backends.eventlog, backends.key, runId));
  return envelope ? found(envelope) : missing(runId);
});

const drift = op(ofRun, async (backends, { tenant, runId, minPosition }) => {
  const ledger = await reach(backends, tenant, runId, minPosition);
  const run = ledger?.state.runs.get(runId);
  if (!run) return missing(runId);
  const scores = await backends.store.items('drift', { tenant, runId, limit: LIMITS.eventsPageMax });
  return found({ runId, drift: run.drift, scores: scores.map((row) => row.view) });
});

/** What a run did and made, as nodes and edges. */
const graph = op(ofRun, async (backends, { tenant, runId, minPosition }) => {
  const ledger = await reach(backends, tenant, runId, minPosition);
  const run = ledger?.state.runs.get(runId);
  if (!ledger || !run) return missing(runId);
  const actions = await backends.store.items('action', { tenant, runId, limit: LIMITS.eventsPageMax });
  const children = [...ledger.state.runs.values()].filter((each) => each.parentRunId === runId);
  const nodes = [
    { id: runId, kind: 'run', label: run.agent.class },
    ...children.map((child) => ({ id: child.id, kind: 'run', label: child.agent.class })),
    ...actions.map((row) => ({
      id: row.id,
      kind: 'action',
      label: (row.view as { verb: string }).verb,
      status: row.status,
    })),
  ];
  const edges = [
    ...children.map((child) => ({ from: runId, to: child.id, kind: 'delegated' })),
    ...actions.map((row) => ({ from: runId, to: row.id, kind: 'asked' })),
  ];
  return found({ nodes, edges });
});

const custody = op(
  z.strictObject({ tenant: tenantName, actionId: idOf('action'), minPosition: page.minPosition }),
  async (backends, { tenant, actionId, minPosition }) => {
    const ledger = await reach(backends, tenant, actionId, minPosition);
    const chain = ledger && (await custodyFor(ledger, backends.eventlog, actionId));
    return chain ? found(chain) : missing(actionId);
  },
);

const treeAt = op(
  z.strictObject({ tenant: tenantName, treeId: idOf('tree'), at: z.string().max(40) }),
  async (backends, { tenant, treeId, at }) => {
    const ledger = await reach(backends, tenant, treeId, undefined);
    const time = parseTime(at);
    const position = /^\d{1,15}$/.test(at) ? Number(at) : undefined;
    if (time === undefined && position === undefined)
      return refuse('BAD_REQUEST', 'at must be a position or an RFC 3339 time');
    if (!ledger) return missing(treeId);
    if (position !== undefined && position >= ledger.position && !(await ledger.reached(position, 2_000)))
      return refuse('NOT_FOUND', `the log has not reached position ${position} yet`);
    const state = await ledger.foldTo(
      position === undefined ? ledger.position : position + 1,
      (event) => time !== undefined && (parseTime(event.time) ?? 0) > time,
    );
    const tree = state.trees.get(treeId);
    if (!tree) return missing(treeId);
    const now = time ?? state.lastTime;
    const { runs, grants } = treeMembers(state, tree);
    const opened = await backends.eventlog.at(
      state.log,
      runs.map((run) => run.position),
    );
    const told = new Map(opened.map((stored) => [stored.position, readStored(stored).payload]));
    const words = (position: number): Words => told.get(position) ?? {};
    const root = words(state.runs.get(tree.rootRunId)?.position ?? -1);
    const views = runs.map((run) => {
      const own = words(run.position);
      const text = (key: string): string | null =>
        typeof own[key] === 'string' ? own[key] : typeof root[key] === 'string' ? root[key] : null;
      return runView(
        state,
        run,
        {
          purpose: text('purpose'),
          requestedBy: text('requestedBy'),
          ...(typeof own.task === 'string' ? { task: own.task } : {}),
        },
        now,
      );
    });
    return found({
      id: treeId,
      log: state.log,
      position: state.next - 1,
      runs: views,
      grants: grants.map((grant) => grantView(state, grant, now)),
      labels: Object.keys(tree.labels),
    });
  },
);

const revocation = op(
  z.strictObject({ tenant: tenantName, id: idOf('revocation') }),
  async (backends, { tenant, id }) => {
    const ledger = await reach(backends, tenant, id, undefined);
    const rule = ledger?.state.rules.find(id);
    const rows = await backends.store.consequences(tenant, id);
    if (!rule && rows.length === 0) return missing(id);
    const sum = (pick: (row: (typeof rows)[number]) => number): number =>
      rows.reduce((total, row) => total + pick(row), 0);
    return found({
      revocationId: id,
      ...(rule
        ? { selector: rule.selector, quarantine: rule.quarantine, position: rule.position }
        : { position: rows[0]?.position }),
      counts: {
        grants: rows.length,
        runs: new Set(rows.map((row) => row.runId)).size,
        inFlight: sum((row) => row.inFlight),
        pendingApprovals: sum((row) => row.pendingApprovals),
      },
      consequences: rows,
    });
  },
);

const ofLog = (
  run: (ledger: LogLedger, backends: Backends, request: { position?: number; path?: string }) => Promise<Answer>,
): Op =>
  op(
    z.strictObject({
      log: logNameSchema,
      position: z.number().int().min(0).optional(),
      path: z.string().max(120).optional(),
    }),
    (backends, { log, ...request }) => {
      const ledger = backends.ledgers.get(log);
      return ledger ? run(ledger, backends, request) : Promise.resolve(missing(log));
    },
  );

export const OPS: Readonly<Record<string, Op>> = {
  events,
  runs: list('run'),
  grants: list('grant'),
  actions: list('action'),
  approvals: list('approval'),
  receipt,
  drift,
  graph,
  custody,
  'tree-at': treeAt,
  revocation,
  vkey: ofLog((ledger) => Promise.resolve(found(`${ledger.vkey}\n`))),
  checkpoint: ofLog(async (ledger, { store }) => {
    await ledger.sign();
    const head = await store.checkpoint(ledger.state.log);
    return head ? found(head.note) : refuse('NOT_FOUND', 'the log has no events yet');
  }),
  proof: ofLog(async (ledger, _backends, { position = 0 }) => {
    if (!(await ledger.reached(position, 2_000))) return refuse('NOT_FOUND', `the log has no position ${position} yet`);
    return found((await ledger.proofs([position])).get(position));
  }),
  tile: ofLog(async (ledger, { store }, { path = '' }) => tileOf(ledger, store, path)),
  verify: ofLog(async (ledger, _backends, { position }) => found(await ledger.verify(position))),
};

/** `<level>/<index>` or `<level>/<index>.p/<width>`: 256 hashes of one level, or the first of them. @see C2SP tlog-tiles */
async function tileOf(ledger: LogLedger, store: LedgerStore, path: string): Promise<Answer> {
  const match = /^(\d{1,2})\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path);
  if (!match) return refuse('NOT_FOUND', 'a tile is <level>/<index>, with .p/<width> where it is not full');
  const level = Number(match[1]) * 8;
  const index = Number((match[2] as string).replace(/[x/]/g, ''));
  const width = match[3] === undefined ? 256 : Number(match[3]);
  const complete = Math.floor(ledger.position / 2 ** level);
  if (width < 1 || width > 256 || index * 256 + width > complete) return found('');
  const wanted = Array.from({ length: width }, (_, i) => ({ level, index: index * 256 + i }));
  const read = await store.nodes(ledger.state.log, wanted);
  return found(Buffer.concat(wanted.map((node) => read(node.level, node.index) as Buffer)).toString('base64'));
}
