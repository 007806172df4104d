import { setImmediate as breathe } from 'node:timers/promises';
import { Audit } from '@bailiwick/audit/audit';
import { says, type Finding } from '@bailiwick/audit/finding';
import { readBody } from '@bailiwick/authority/state/set-aside';
import { stateDigest } from '@bailiwick/authority/state/snapshot';
import type { EventLog } from '@bailiwick/event-store/port';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { parseVerifierKey } from '@bailiwick/transparency-log/note';
import type { ReadNode } from '@bailiwick/transparency-log/tree';
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
  /** the state that the ledger answers from, as it was at a position; left out where it changes too fast */
  readonly own?: { readonly position: number; readonly digest: string } | undefined;
}

export interface Verified {
  /** events that were looked at */
  readonly position: number;
  /** of the tree of these, base64 */
  readonly root: string;
  /** digest of a fold from position 0; empty where it did not come to that */
  readonly state: string;
  /** what is wrong, in words; none of it is right to go on with */
  readonly findings: string[];
  /** the first of them */
  readonly first: Finding | null;
  /** signed heads that were compared */
  readonly checkpoints: number;
}

/** events between which others have their turn */
const STEP = 500;
const TREE_STEP = 8;

/**
 * Makes everything again from the raw events and compares it with what is kept: positions, hashes, tree, every signed
 * head, every rule, the read models. It reads what the ledger keeps by statements of its own and shares no code with
 * what writes it, but the rules themselves.
 * @param to what `position`, `root` and `state` are told of; where the read models have got further, all of it is judged
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
  const asked = [end, own?.position ?? end, kept.position]; // a step ends where something is asked of it
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
    if (size === own?.position && state !== '' && state !== own.digest) audit.find('models', undefined, STRAYED);
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
  };
}

/** A ledger that began with a snapshot believed it. */
const STRAYED =
  'the ledger answers from a state that the events do not lead to; delete the snapshots of the log, and start the ledger again';

/** What was erased while the events were read: recorded behind them, and carried out. */
async function laterErasures(audit: Audit, eventlog: VerifyOptions['eventlog'], log: string, size: number) {
  const { tenant } = parseLogName(log);
  const limit = LIMITS.readBatchEvents;
  for (let after = size - 1, more = true; more;) {
    const page = await eventlog.search({ tenant, log, type: 'PayloadsErased', after, limit });
    for (const { body } of page) {
      const read = readBody(body); // one that cannot be read is a finding of its own, at the next verification
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

/** The levels of the tree that are kept above the leaves, against those of the events. */
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
