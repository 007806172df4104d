import { emptyState } from '@bailiwick/authority/state/state';
import { importedAt } from '@bailiwick/authority/presentation/views';
import { idOf, tenantName } from '@bailiwick/contracts/primitives';
import { readWhereReadable, type Words } from '@bailiwick/contracts/payload';
import { ACTION_RECEIPT, RUN_RECEIPT, TREE_RECEIPT, type PredicateType } from '@bailiwick/contracts/receipt';
import { FILTERS } from '@bailiwick/contracts/search';
import { bodyDigest } from '@bailiwick/authority/state/stored';
import type { StoredEvent } from '@bailiwick/event-store/port';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { z } from 'zod';
import { allActions } from '../search/actions';
import { ended } from '../read-models/archived-trees';
import { EXPORT_OPS } from '../transfer/exporting';
import { knowing } from '../search/find-by-id';
import { LIST_OPS } from '../search/lists';
import { LOG_OPS, WITNESS_OPS } from '../transparency/operations';
import { catchUp, folded, found, missing, op, reach, refuse, withTree, type Op } from './operation';
import { asksOfRun } from '../search/filter';
import { REBUILD_OPS } from '../read-models/rebuild/ops';
import { scan, type Found, type Page } from '../search/scan';
import { REPLAY_OPS } from '../replay/ops';
import { custodyFor, partOf, receiptOf } from '../receipts/receipts';
import { treeAt } from '../replay/tree-at';

const page = {
  limit: z.number().int().min(1).max(LIMITS.eventsPageMax).optional(),
  minPosition: z.number().int().min(0).optional(),
};
const eventsQuery = FILTERS.events.extend({
  tenant: tenantName,
  ...page,
  after: z.number().int().min(-1).optional(),
});

const shown = ({ stored, event, words }: Found): unknown =>
  event ? { ...event, ...(words === null ? {} : { payload: words }) } : unreadable(stored);

/** In the place of an event that cannot be read: what its columns say, and the digest of its bytes. */
function unreadable({ log, position, type, time, body }: StoredEvent): unknown {
  return { log, position, type, time, unreadable: true, bodyDigest: bodyDigest(body) };
}

/** As many of the first as one page can hold; one at least. */
function fitting(found: readonly Found[]): readonly Found[] {
  let bytes = 0;
  const end = found.findIndex(({ stored: { body, payload } }, i) => {
    bytes += Buffer.byteLength(body) + Buffer.byteLength(payload ?? '');
    return i > 0 && bytes > LIMITS.pageBytes;
  });
  return end < 0 ? found : found.slice(0, end);
}

const NONE: Page = { items: [], next: undefined };

const events = op(
  eventsQuery,
  async (
    backends,
    { tenant, limit = LIMITS.eventsPageDefault, minPosition, log = `${tenant}/0`, type, after = -1, ...filter },
  ) => {
    if (!log.startsWith(`${tenant}/`)) return missing(log);
    const ledger = backends.ledgers.get(log);
    if (!ledger && !(await backends.eventlog.listLogs(tenant)).includes(log)) return missing(log);
    await catchUp([ledger], minPosition);
    const inTree = await withTree(backends, ledger ? [ledger] : [], filter);
    if (ledger && asksOfRun(filter)) folded(ledger);
    const state = ledger?.state ?? emptyState(log, tenant, parseLogName(log).n);
    const types = type === undefined ? undefined : [type];
    const { items, next } = inTree ? await scan(backends, state, { ...inTree, tenant, types, after, limit }) : NONE;
    const taken = fitting(items);
    return found({
      items: taken.map((each) => ({ ...(shown(each) as object), ...importedAt(state, each.stored.position) })),
      next: (taken.length < items.length ? taken.at(-1)?.stored.position : next) ?? null,
      asOf: { [log]: (await backends.eventlog.head(log)) - 1 },
    });
  },
);

const ofRun = z.strictObject({ tenant: tenantName, runId: idOf('run'), minPosition: page.minPosition });

const about = {
  tenant: tenantName,
  minPosition: page.minPosition,
  /** one part of it, of the tree of a size */
  part: z.number().int().min(0).optional(),
  size: z.number().int().min(1).optional(),
};
const receiptQuery = z.union([
  z.strictObject({ ...about, runId: idOf('run') }),
  z.strictObject({ ...about, treeId: idOf('tree') }),
  z.strictObject({ ...about, actionId: idOf('action') }),
]);

const receipt = op(receiptQuery, async (backends, { tenant, minPosition, part, size, ...of }) => {
  const [id, type]: [string, PredicateType] =
    'runId' in of
      ? [of.runId, RUN_RECEIPT]
      : 'treeId' in of
        ? [of.treeId, TREE_RECEIPT]
        : [of.actionId, ACTION_RECEIPT];
  const ledger = await reach(backends, tenant, id, minPosition);
  if (!ledger) return missing(id);
  if (part === undefined || size === undefined) {
    if (part !== size) return refuse('BAD_REQUEST', 'one of part and size is missing; give both, or none');
    const envelope = await receiptOf(ledger, backends, backends.key, id, type);
    return envelope ? found(envelope) : missing(id);
  }
  const envelope = await partOf(ledger, backends, backends.key, { id, type, part, size });
  return envelope ? found(envelope) : missing(`part ${part} of a receipt of ${id} in a tree of ${size}`);
});

const drift = op(ofRun, async (backends, { tenant, runId, minPosition }) => {
  const ledger = await reach(backends, tenant, runId, minPosition);
  const state = ledger && (await knowing(ledger, backends, 'run', runId));
  const run = state?.runs.get(runId);
  if (!state || !run) return missing(runId);
  const scores = await backends.store.items('drift', { tenant, run, limit: LIMITS.eventsPageMax });
  const stored = await backends.eventlog.at(
    state.log,
    scores.map(({ position }) => position),
  );
  const words = new Map(stored.map((each) => [each.position, readWhereReadable(each)?.payload ?? null]));
  return found({
    runId,
    drift: run.drift,
    scores: scores.map(({ position, view }) => inItsWords(view, words.get(position))),
  });
});

/** A score with what was found quoted, where that was not erased. */
function inItsWords(view: unknown, words: Words | null | undefined): unknown {
  const score = view as { features: { name: string; says: string }[] };
  const quotes = (words?.features ?? {}) as Record<string, unknown>;
  return {
    ...score,
    features: score.features.map((each) =>
      typeof quotes[each.name] === 'string' ? { ...each, says: quotes[each.name] } : each,
    ),
  };
}

/** What a run did and made, as nodes and edges. */
const graph = op(ofRun, async (backends, { tenant, runId, minPosition }) => {
  const ledger = await reach(backends, tenant, runId, minPosition);
  const state = ledger && (await knowing(ledger, backends, 'run', runId));
  const run = state?.runs.get(runId);
  if (!state || !run) return missing(runId);
  const { treeId } = run; // what events are found by
  const children = (state.trees.get(treeId)?.runs ?? []).filter((each) => each.parentRunId === runId);
  const asked = await allActions(backends, state, { tenant, treeId, runId, limit: LIMITS.eventsPageMax });
  const nodes = [
    { id: runId, kind: 'run', label: run.agent.class },
    ...children.map((child) => ({ id: child.id, kind: 'run', label: child.agent.class })),
    ...asked.map(({ id, verb, decision }) => ({ id, kind: 'action', label: verb, status: decision })),
  ];
  const edges = [
    ...children.map((child) => ({ from: runId, to: child.id, kind: 'delegated' })),
    ...asked.map(({ id }) => ({ from: runId, to: id, kind: 'asked' })),
  ];
  return found({ nodes, edges });
});

const custody = op(
  z.strictObject({ tenant: tenantName, actionId: idOf('action'), minPosition: page.minPosition }),
  async (backends, { tenant, actionId, minPosition }) => {
    const ledger = await reach(backends, tenant, actionId, minPosition);
    const chain = ledger && (await custodyFor(ledger, backends, actionId));
    return chain ? found(chain) : missing(actionId);
  },
);

const isOfGrant = ({ grantId }: { grantId: string }): boolean => idOf('grant').safeParse(grantId).success;

const revocation = op(
  z.strictObject({ tenant: tenantName, id: idOf('revocation') }),
  async (backends, { tenant, id }) => {
    const ledger = await reach(backends, tenant, id, undefined);
    const rule = ledger && folded(ledger).rules.find(id);
    const rows = await backends.store.consequences(tenant, id);
    if (!rule && rows.length === 0) return missing(id);
    const sum = (pick: (row: (typeof rows)[number]) => number): number =>
      rows.reduce((total, row) => total + pick(row), 0);
    return found({
      revocationId: id,
      ...(rule
        ? {
            selector: rule.selector,
            ...(rule.selector.tool === undefined ? {} : { target: rule.target ?? 'leases' }),
            quarantine: rule.quarantine,
            position: rule.position,
          }
        : { position: rows[0]?.position }),
      counts: {
        grants: rows.filter(isOfGrant).length,
        runs: new Set(rows.map((row) => row.runId)).size,
        inFlight: sum((row) => row.inFlight),
        pendingApprovals: sum((row) => row.pendingApprovals),
      },
      consequences: rows.map((row) => {
        if (isOfGrant(row)) return row;
        const { grantId: approvalId, ...rest } = row; // no lease ended, but what was asked for
        return { ...rest, approvalId };
      }),
    });
  },
);

export const OPS: Readonly<Record<string, Op>> = {
  events,
  ...LIST_OPS,
  receipt,
  drift,
  graph,
  custody,
  'tree-at': treeAt,
  ended,
  revocation,
  ...REBUILD_OPS,
  ...EXPORT_OPS,
  ...LOG_OPS,
  ...WITNESS_OPS,
  ...REPLAY_OPS,
};
