import type { KeyObject } from 'node:crypto';
import { strikes, selects, subjectOf } from '#authority/rules';
import type { LogState, RunNode } from '#authority/state';
import { parseEvent, type Event } from '#contracts/event';
import type { Custody, Envelope } from '#contracts/receipt';
import type { EventLog, StoredEvent } from '#eventlog/port';
import { custodyOf } from '#receipts/custody';
import { makeStatement, signStatement } from '#receipts/envelope';
import { summarise, type Told } from '#receipts/summary';
import type { LogLedger } from './log-ledger';

const MOST = 20_000;
/** Of the runs above, what made and ended their leases; not what they did. */
const ABOVE = ['RunOpened', 'GrantIssued', 'GrantSuperseded', 'ApprovalRequested', 'ApprovalGiven', 'GrantSuspended', 'GrantResumed', 'GrantRevoked', 'GrantExpired', 'GrantExhausted', 'RunCompleted'];

/** The stored events that a run's receipt rests on, in the order of the log. */
async function eventsOf(eventlog: EventLog, state: LogState, run: RunNode): Promise<StoredEvent[]> {
  const { tenant, log } = state;
  const found = new Map<number, StoredEvent>();
  const take = (events: readonly StoredEvent[]): void => events.forEach((event) => found.set(event.position, event));
  take(await eventlog.search({ tenant, log, runId: run.id, limit: MOST }));
  const line = ancestors(state, run);
  for (const above of line.slice(1)) take((await eventlog.search({ tenant, log, runId: above.id, type: ABOVE, limit: MOST })).filter(notAboutAction));
  const children = [...state.runs.values()].filter((each) => each.parentRunId === run.id);
  for (const child of children) take(await eventlog.search({ tenant, log, runId: child.id, type: ['RunOpened'], limit: 1 }));
  for (const rule of state.rules.list) {
    if (line.some((each) => struck(state, each, rule))) take(await eventlog.read(log, rule.position, 1));
  }
  return [...found.values()].sort((a, b) => a.position - b.position);
}

/** Approvals of single actions belong to the run that asked for them. */
function notAboutAction(stored: StoredEvent): boolean {
  return parseEvent(stored.body).actionId === undefined;
}

function ancestors(state: LogState, run: RunNode): RunNode[] {
  const line: RunNode[] = [];
  for (let each: RunNode | undefined = run; each; each = each.parentRunId === undefined ? undefined : state.runs.get(each.parentRunId)) line.push(each);
  return line;
}

function struck(state: LogState, run: RunNode, rule: LogState['rules']['list'][number]): boolean {
  const grants = state.order.filter((grant) => grant.runId === run.id);
  return grants.some((grant) => strikes(rule, grant) && selects(rule.selector, subjectOf(run, grant)));
}

const toTold = (stored: StoredEvent): Told => {
  const event: Event = parseEvent(stored.body);
  const payload = stored.payload ? (JSON.parse(stored.payload) as { value: Record<string, unknown> }).value : null;
  return { event, payload };
};

/** The signed account of a run, each event with its proof; undefined where the run is not known. */
export async function receiptOf(ledger: LogLedger, eventlog: EventLog, key: KeyObject, runId: string): Promise<Envelope | undefined> {
  const run = ledger.state.runs.get(runId);
  if (!run) return undefined;
  const position = ledger.position;
  const stored = (await eventsOf(eventlog, ledger.state, run)).filter((event) => event.position < position);
  const claims = summarise(runId, stored.map(toTold));
  const proofs = await ledger.proofs(stored.map((event) => event.position));
  const events = stored.map(({ log, position: at, body, payload }) => ({ log, position: at, body, payload: payload ?? null, proof: proofs.get(at) as string }));
  return signStatement(makeStatement(claims, events), key, ledger.origin);
}

/** The chain of one action; undefined where no decision on it is known. */
export async function custodyFor(ledger: LogLedger, eventlog: EventLog, actionId: string): Promise<Custody | undefined> {
  const { tenant, log } = ledger.state;
  const decisions = await eventlog.search({ tenant, log, actionId, limit: 10 });
  const runId = decisions[0] && parseEvent(decisions[0].body).runId;
  const run = runId === undefined ? undefined : ledger.state.runs.get(runId);
  if (!run) return undefined;
  const stored = await eventsOf(eventlog, ledger.state, run);
  return custodyOf(actionId, stored.map(toTold));
}
