import { setImmediate as breathe } from 'node:timers/promises';
import { Audit } from '@bailiwick/audit/audit';
import { says, type Finding } from '@bailiwick/audit/finding';
import { readBody } from '@bailiwick/authority/state/set-aside';
import { stateDigest } from '@bailiwick/authority/state/digest';
import type { EventLog } from '@bailiwick/event-store/port';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { parseVerifierKey } from '@bailiwick/transparency-log/note';
import type { ReadNode } from '@bailiwick/transparency-log/merkle-tree';
import type { LedgerStore } from '../read-models/store';
import { FreshModels } from './read-models';

export interface VerifyOptions {
  readonly log: string;
  /** the log's name in its checkpoints */
  readonly origin: string;
  /** the key that signs now */
  readonly vkey: string;
  readonly eventlog: Pick<EventLog, 'rows' | 'search'>;
  readonly store: LedgerStore;
  /** the digest of the ledger's own state at a position; absent if the state changes too fast */
  readonly own?: { readonly position: number; readonly digest: string } | undefined;
}

export interface Verified {
  /** the number of events read */
  readonly position: number;
  /** the root of the tree of these events, base64 */
  readonly root: string;
  /** the digest of a fold from position 0; empty if the fold did not get there */
  readonly state: string;
  /** human-readable findings; a log with any finding must not be used further */
  readonly findings: string[];
  /** the first finding */
  readonly first: Finding | null;
  /** the number of signed heads compared */
  readonly checkpoints: number;
  /** whether the ledger's own state was compared; not if it changed too fast or has no stored position */
  readonly ledgerCompared: boolean;
}

/** events read between two yields to other work */
const STEP = 500;
const TREE_STEP = 8;

/**
 * Recomputes everything from the raw events and compares it with the stored data: positions, hashes, tree, every signed
 * head, every rule, the read models. It reads the stored data with separate statements and shares no code with the
 * writer except the rules.
 * @param to the position of the returned `position`, `root` and `state`; the read models are verified beyond it, to their end
 */
export async function verifyLog(options: VerifyOptions, to: number): Promise<Verified> {
  const { log, origin, vkey, eventlog, store, own } = options;
  const heads = await store.kept.heads(log);
  const kept = await store.kept.models(log);
  const vkeys = new Set([vkey, ...(await store.heads.keys(log)).map((each) => each.vkey)]);
  const keys = [...vkeys].flatMap((each) => {
    const read = parseVerifierKey(each);
    return read.ok ? [read.value] : [];
  });
  const fresh = new FreshModels();
  let stored: ReadNode = () => undefined;
  const audit = new Audit({
    log,
    origin,
    keys,
    heads,
    storedLeaf: (position) => stored(0, position),
    before: (state, event) => fresh.before(state, event),
    after: (state, event) => fresh.after(state, event),
    aside: (state, position) => fresh.aside(state, position),
  });
  const end = Math.min(to, kept.position);
  const asked = [end, own?.position ?? end, kept.position]; // a step ends at each of these positions
  let ledgerCompared = own?.position === 0 && kept.position === 0;
  let at: { root: string; state: string } | undefined;
  while (audit.tree.size < kept.position) {
    const from = audit.tree.size;
    const until = Math.min(from + STEP, ...asked.filter((position) => position > from));
    const events = await eventlog.rows(log, from, until - from);
    if (events.length === 0) break;
    stored = await leaves(store, log, from, events.length);
    for (const event of events) audit.add(event);
    const { size } = audit.tree;
    const state = audit.broken || (size !== end && size !== own?.position) ? '' : stateDigest(audit.state);
    if (size === end) at = { root: audit.tree.root().toString('base64'), state };
    if (size === own?.position && state !== '') {
      ledgerCompared = true;
      if (state !== own.digest) audit.find('models', undefined, STRAYED);
    }
    await breathe();
  }
  const { size } = audit.tree;
  await laterErasures(audit, eventlog, log, size);
  if (size < kept.position)
    audit.find('position', size, `the log ends at position ${size}, and the tree has ${kept.position} leaves`);
  else {
    await compareNodes(audit, store, log);
    if (!audit.broken) for (const { position, detail } of fresh.against(kept)) audit.find('models', position, detail);
  }
  const { findings, checkpoints, root, state } = audit.report();
  return {
    position: Math.min(end, size),
    root: at?.root ?? root,
    state: at?.state ?? state,
    findings: findings.map(says),
    first: findings[0] ?? null,
    checkpoints,
    ledgerCompared,
  };
}

/** The state was loaded from a snapshot that is wrong. */
const STRAYED = 'the state of the ledger differs from the log; delete the snapshots of the log and restart the ledger';

/** Takes into account the erasures that were recorded after the events read and have been carried out already. */
async function laterErasures(audit: Audit, eventlog: VerifyOptions['eventlog'], log: string, size: number) {
  const { tenant } = parseLogName(log);
  const limit = LIMITS.readBatchEvents;
  for (let after = size - 1, more = true; more;) {
    const page = await eventlog.search({ tenant, log, type: 'PayloadsErased', after, limit });
    for (const { body } of page) {
      const read = readBody(body); // the next verification reports an unreadable event
      const event = read.ok ? read.value : undefined;
      if (event?.type === 'PayloadsErased') audit.erasedLater(event.data.subjectRef, event.data.before);
    }
    more = page.length === limit;
    after = page.at(-1)?.position ?? after;
  }
}

const leaves = (store: LedgerStore, log: string, from: number, count: number): Promise<ReadNode> =>
  store.nodes(
    log,
    Array.from({ length: count }, (_, i) => ({ level: 0, index: from + i })),
  );

/** Compares the stored levels above the leaves with those computed from the events. */
async function compareNodes(audit: Audit, store: LedgerStore, log: string): Promise<void> {
  for (let level = TREE_STEP; audit.tree.nodes(level).length > 0; level += TREE_STEP) {
    const made = audit.tree.nodes(level);
    const read = await store.nodes(
      log,
      made.map((_, index) => ({ level, index })),
    );
    const wrong = made.findIndex((hash, index) => !read(level, index)?.equals(hash));
    if (wrong >= 0)
      audit.find('tree', wrong * 2 ** level, `the stored tree has another node ${wrong} at level ${level}`);
  }
}
