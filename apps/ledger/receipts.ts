import type { KeyObject } from 'node:crypto';
import type { LogState, RunNode } from '#authority/state';
import { parseEvent } from '#contracts/event';
import { readStored } from '#contracts/payload';
import type { Custody, Envelope } from '#contracts/receipt';
import type { EventLog, StoredEvent } from '#eventlog/port';
import { custodyOf } from '#receipts/custody';
import { makeStatement, signStatement } from '#receipts/envelope';
import { eventsOfReceipt, OF_ANCESTORS, OF_CHILDREN } from '#receipts/select';
import { readStory, type Told } from '#receipts/story';
import { summarise } from '#receipts/summary';
import type { LogLedger } from './log-ledger';

const MOST = 20_000;

/** The stored events that a run's receipt rests on, in the order of the log: all that may bear on it, then the choice. */
async function eventsOf(eventlog: EventLog, state: LogState, run: RunNode): Promise<Kept[]> {
  const { tenant, log } = state;
  const { treeId } = run;
  const found = new Map<number, StoredEvent>();
  const take = (events: readonly StoredEvent[]): void => events.forEach((event) => found.set(event.position, event));
  take(await eventlog.search({ tenant, log, treeId, runId: run.id, limit: MOST }));
  for (let above = parentOf(state, run); above; above = parentOf(state, above)) {
    take(await eventlog.search({ tenant, log, treeId, runId: above.id, type: OF_ANCESTORS, limit: MOST }));
  }
  for (const child of state.runs.values()) {
    if (child.parentRunId === run.id)
      take(await eventlog.search({ tenant, log, treeId, runId: child.id, type: OF_CHILDREN, limit: MOST }));
  }
  for (const rule of state.rules.list) take(await eventlog.read(log, rule.position, 1));
  const candidates = [...found.values()]
    .sort((a, b) => a.position - b.position)
    .map((stored): Kept => ({ ...toTold(stored), stored }));
  const chosen = new Set(eventsOfReceipt(run.id, candidates).map(({ event }) => event.position));
  return candidates.filter(({ event }) => chosen.has(event.position));
}

type Kept = Told & { readonly stored: StoredEvent };

const parentOf = (state: LogState, run: RunNode): RunNode | undefined =>
  run.parentRunId === undefined ? undefined : state.runs.get(run.parentRunId);

const toTold = (stored: StoredEvent): Told => readStored(stored);

/** The signed account of a run, each event with its proof; undefined where the run is not known. */
export async function receiptOf(
  ledger: LogLedger,
  eventlog: EventLog,
  key: KeyObject,
  runId: string,
): Promise<Envelope | undefined> {
  const run = ledger.state.runs.get(runId);
  if (!run) return undefined;
  const position = ledger.position;
  const kept = (await eventsOf(eventlog, ledger.state, run)).filter(({ event }) => event.position < position);
  const claims = summarise(runId, readStory(kept));
  const proofs = await ledger.proofs(kept.map(({ event }) => event.position));
  const events = kept.map(({ stored: { log, position: at, body, payload }, payload: words }) => ({
    log,
    position: at,
    body,
    // one that is not what its event names is withheld: it would be told in the event's name
    payload: words === null ? null : (payload ?? null),
    proof: proofs.get(at) as string,
  }));
  return signStatement(makeStatement(claims, events), key, ledger.origin);
}

/** The chain of one action; undefined where no decision on it is known. */
export async function custodyFor(
  ledger: LogLedger,
  eventlog: EventLog,
  actionId: string,
): Promise<Custody | undefined> {
  const { tenant, log } = ledger.state;
  const decisions = await eventlog.search({ tenant, log, actionId, limit: 10 });
  const runId = decisions[0] && parseEvent(decisions[0].body).runId;
  const run = runId === undefined ? undefined : ledger.state.runs.get(runId);
  return run && custodyOf(actionId, readStory(await eventsOf(eventlog, ledger.state, run)));
}
