import type { KeyObject } from 'node:crypto';
import { selects } from '#authority/rule-set';
import { subjectOf } from '#authority/rules';
import type { LogState, RunNode } from '#authority/state';
import { parseEvent } from '#contracts/event';
import { readStored } from '#contracts/payload';
import {
  ACTION_RECEIPT,
  RUN_RECEIPT,
  TREE_RECEIPT,
  type Custody,
  type Envelope,
  type PredicateType,
} from '#contracts/receipt';
import type { EventLog, SearchFilter, StoredEvent } from '#eventlog/port';
import { canonicalDigest } from '#kernel/digest';
import { LIMITS } from '#kernel/limits';
import { custodyOf } from '#receipts/custody';
import { makeStatement, signStatement } from '#receipts/envelope';
import { KINDS } from '#receipts/kinds';
import { OF_ANCESTORS, OF_CHILDREN } from '#receipts/select';
import { readStory, type Told } from '#receipts/story';
import type { LogLedger } from './log-ledger';
import { TooLarge } from './op';

/** A stored event, as receipts are told of it. */
type Kept = Told & { readonly stored: StoredEvent };

/** Reads events by what they are about, each once. @throws TooLarge rather than leave any out */
class Candidates {
  private readonly found = new Map<number, StoredEvent>();

  constructor(
    private readonly eventlog: EventLog,
    private readonly state: LogState,
  ) {}

  async search(filter: Omit<SearchFilter, 'tenant' | 'log' | 'limit'>): Promise<void> {
    const { tenant, log } = this.state;
    this.take(await this.eventlog.search({ tenant, log, ...filter, limit: LIMITS.receiptEvents + 1 }));
  }

  /** The revocation rules that may have struck one of these runs: which of them did is for the choice to say. */
  async rules(runs: readonly RunNode[]): Promise<void> {
    const { log, rules, grants } = this.state;
    const subjects = runs.flatMap((run) => {
      const grant = run.grantId === undefined ? undefined : grants.get(run.grantId);
      return grant ? [subjectOf(run, grant)] : [];
    });
    // a lease that was raised since may have been struck for a tool that the raised one does not have: any tool will do
    const mayStrike = rules.list.filter(({ selector }) =>
      subjects.some((subject) => selects({ ...selector, tool: undefined }, subject)),
    );
    this.take(
      await this.eventlog.at(
        log,
        mayStrike.map(({ position }) => position),
      ),
    );
  }

  /** In the order of the log; where words are gone, with the erasures that may have made them go. */
  async told(): Promise<Kept[]> {
    const gone = [...this.found.values()].some(({ payload }) => payload == null);
    if (gone) await this.search({ type: 'PayloadsErased' });
    return [...this.found.values()]
      .sort((a, b) => a.position - b.position)
      .map((stored): Kept => ({ ...readStored(stored), stored }));
  }

  private take(events: readonly StoredEvent[]): void {
    for (const event of events) this.found.set(event.position, event);
    if (this.found.size > LIMITS.receiptEvents)
      throw new TooLarge(`a receipt of more than ${LIMITS.receiptEvents} events is not made; ask for a part of it`);
  }
}

/** All that may bear on a run: its own events, and what happened to the runs above and below it. */
async function aboutRun(eventlog: EventLog, state: LogState, run: RunNode): Promise<Kept[]> {
  const candidates = new Candidates(eventlog, state);
  const { treeId } = run; // what events are found by
  await candidates.search({ treeId, runId: run.id });
  const around: RunNode[] = [run];
  for (let above = parentOf(state, run); above; above = parentOf(state, above)) {
    await candidates.search({ treeId, runId: above.id, type: OF_ANCESTORS });
    around.push(above);
  }
  for (const child of state.runs.values()) {
    if (child.parentRunId !== run.id) continue;
    await candidates.search({ treeId, runId: child.id, type: OF_CHILDREN });
    around.push(child);
  }
  await candidates.rules(around);
  return await candidates.told();
}

const parentOf = (state: LogState, run: RunNode): RunNode | undefined =>
  run.parentRunId === undefined ? undefined : state.runs.get(run.parentRunId);

async function aboutTree(eventlog: EventLog, state: LogState, treeId: string): Promise<Kept[]> {
  const candidates = new Candidates(eventlog, state);
  await candidates.search({ treeId });
  await candidates.rules([...state.runs.values()].filter((run) => run.treeId === treeId));
  return await candidates.told();
}

/** Of the run that asked for it. */
async function aboutAction(eventlog: EventLog, state: LogState, actionId: string): Promise<Kept[] | undefined> {
  const { tenant, log } = state;
  const [decision] = await eventlog.search({ tenant, log, actionId, limit: 1 });
  const runId = decision && parseEvent(decision.body).runId;
  const run = runId === undefined ? undefined : state.runs.get(runId);
  return run && aboutRun(eventlog, state, run);
}

/** By kind: where to look for what bears on an id; undefined where it is not known. */
const ABOUT: Record<PredicateType, (e: EventLog, s: LogState, id: string) => Promise<Kept[] | undefined>> = {
  async [RUN_RECEIPT](eventlog, state, id) {
    const run = state.runs.get(id);
    return run && aboutRun(eventlog, state, run);
  },
  async [TREE_RECEIPT](eventlog, state, id) {
    return state.trees.has(id) ? aboutTree(eventlog, state, id) : undefined;
  },
  [ACTION_RECEIPT]: aboutAction,
};

/**
 * The signed account of a run, a tree or an action, each event with its proof; undefined where it is not known.
 * @throws TooLarge
 */
export async function receiptOf(
  ledger: LogLedger,
  eventlog: EventLog,
  key: KeyObject,
  id: string,
  type: PredicateType = RUN_RECEIPT,
): Promise<Envelope | undefined> {
  const candidates = await ABOUT[type](eventlog, ledger.state, id);
  if (!candidates) return undefined;
  // what is not in the tree yet has no proof, and is not told
  const inTree = candidates.filter(({ event }) => event.position < ledger.position);
  const chosen = new Set(KINDS[type].select(id, readStory(inTree)).map(({ event }) => event.position));
  const kept = inTree.filter(({ event }) => chosen.has(event.position));
  if (kept.length === 0) return undefined;
  const claims = KINDS[type].summarise(id, readStory(kept), canonicalDigest);
  const proofs = await ledger.proofs(kept.map(({ event }) => event.position));
  const events = kept.map(({ stored: { log, position, body, payload }, payload: words }) => ({
    log,
    position,
    body,
    // one that is not what its event names is withheld: it would be told in the event's name
    payload: words === null ? null : (payload ?? null),
    proof: proofs.get(position) as string,
  }));
  const envelope = signStatement(makeStatement(claims, events), key, ledger.origin);
  if (envelope.payload.length > LIMITS.receiptBytes)
    throw new TooLarge(
      `the receipt has ${envelope.payload.length} bytes; more than ${LIMITS.receiptBytes} are not sent: ask for a part of it`,
    );
  return envelope;
}

/** The chain of one action, each link with its proof where it is in the tree; undefined where no decision on it is known. */
export async function custodyFor(
  ledger: LogLedger,
  eventlog: EventLog,
  actionId: string,
): Promise<Custody | undefined> {
  const candidates = await aboutAction(eventlog, ledger.state, actionId);
  if (!candidates) return undefined;
  const custody = custodyOf(actionId, readStory(candidates));
  const positions = [...new Set(custody.links.map(({ position }) => position))];
  const inTree = positions.filter((position) => position < ledger.position);
  const proofs = inTree.length === 0 ? new Map<number, string>() : await ledger.proofs(inTree);
  return {
    ...custody,
    links: custody.links.map((link) => ({ ...link, ...proofIn(proofs, link.position) })),
  };
}

const proofIn = (proofs: ReadonlyMap<number, string>, position: number): { proof?: string } => {
  const proof = proofs.get(position);
  return proof === undefined ? {} : { proof };
};
