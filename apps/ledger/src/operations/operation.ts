import type { KeyObject } from 'node:crypto';
import type { LogState } from '@bailiwick/authority/state/state';
import type { Answer } from '@bailiwick/contracts/command';
import type { EventLog } from '@bailiwick/event-store/port';
import { logName, logNumberOf } from '@bailiwick/core/ids';
import { QueueFullError } from '@bailiwick/platform/serial-queue';
import { z } from 'zod';
import { found, missing, refuse } from './answers';
import type { LogLedger } from '../follower/log-ledger';
import type { Replays } from '../replay/replays';
import type { Rebuilds } from '../read-models/rebuild/rebuilds';
import type { LedgerStore } from '../read-models/store';
import type { Witness } from '../transparency/witness';

export interface Backends {
  readonly ledgers: ReadonlyMap<string, LogLedger>;
  readonly eventlog: EventLog;
  readonly store: LedgerStore;
  readonly key: KeyObject;
  /** what-ifs that are being made; left out where none are */
  readonly replays?: Replays;
  /** read models that are being made again; left out where none can be */
  readonly rebuilds?: Rebuilds;
  /** cosigns others' checkpoints, where it is configured to */
  readonly witness?: Witness | undefined;
  /** what was said when a signing key took another's place: signed notes, oldest first */
  readonly handovers?: () => readonly string[];
}

export { found, missing, refuse };

export type Op = (backends: Backends, raw: unknown) => Promise<Answer>;

/** Ties an operation to the schema of its request: what does not parse is told so. */
export function op<S extends z.ZodType>(
  schema: S,
  run: (backends: Backends, request: z.infer<S>) => Promise<Answer>,
): Op {
  return (backends, raw) => {
    const parsed = schema.safeParse(raw);
    if (parsed.success) return run(backends, parsed.data).catch(notYet);
    const issue = parsed.error.issues[0];
    return Promise.resolve(refuse('BAD_REQUEST', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`));
  };
}

/** The read models do not hold the position that was asked for: better no answer than an old one. */
export class NotYet extends Error {}

/** What is stored is not what was signed for: no answer is made of it. */
export class Altered extends Error {}

/** What was asked for is more than is made or sent at once. */
export class TooLarge extends Error {}

/** An event that the answer rests on cannot be read. */
export class Unreadable extends Error {
  constructor(position: number) {
    super(
      `the event at position ${position}, which this rests on, cannot be read, so nothing is signed of it; \`bailiwick log verify\` says why`,
    );
  }
}

function notYet(error: unknown): Answer {
  if (error instanceof Unreadable) return refuse('TREE_SET_ASIDE', error.message);
  if (error instanceof TooLarge) return refuse('TOO_LARGE', error.message);
  if (error instanceof Altered) return refuse('NOT_READY', error.message);
  if (error instanceof NotYet) return refuse('NOT_READY', error.message);
  if (error instanceof QueueFullError) return refuse('TOO_MANY', error.message);
  throw error;
}

/** @throws NotYet unless all of them hold the position, or come to hold it soon */
export async function catchUp(
  ledgers: readonly (LogLedger | undefined)[],
  minPosition: number | undefined,
): Promise<void> {
  if (minPosition === undefined) return;
  const reached = await Promise.all(ledgers.map(async (ledger) => ledger?.reached(minPosition)));
  const late = ledgers[reached.indexOf(false)];
  if (late) throw new NotYet(`the read models stand at ${late.position - 1} and not at ${minPosition} yet; try again`);
}

type Filter = {
  readonly treeId?: string | undefined;
  readonly runId?: string | undefined;
  readonly grantId?: string | undefined;
};

/**
 * A run or a grant is looked for in its tree: only that has an index. One that is not known yet may be in what has just
 * been written.
 * @returns undefined where there is none
 */
export async function withTree<F extends Filter>(
  { eventlog, store }: Pick<Backends, 'eventlog' | 'store'>,
  ledgers: readonly LogLedger[],
  filter: F,
): Promise<F | undefined> {
  const { treeId, runId, grantId } = filter;
  if (treeId !== undefined || (runId === undefined && grantId === undefined)) return filter;
  const find = async (): Promise<string | undefined> => {
    const found = await Promise.all(ledgers.map(({ state }) => treeOf(store, state, filter)));
    return found.find((each) => each !== undefined);
  };
  const known = await find();
  if (known !== undefined) return { ...filter, treeId: known };
  await Promise.all(ledgers.map(async (each) => each.reached((await eventlog.head(each.state.log)) - 1)));
  const found = await find();
  return found === undefined ? undefined : { ...filter, treeId: found };
}

/** The tree of a run or a grant: as the state has it, or its row where the state has forgotten it. */
async function treeOf(
  store: Pick<LedgerStore, 'place'>,
  { log, runs, grants }: LogState,
  { runId, grantId }: Filter,
): Promise<string | undefined> {
  const known = runs.get(runId ?? '') ?? grants.get(grantId ?? '');
  if (known) return known.treeId;
  const run = runId === undefined ? undefined : await store.place(log, 'run', runId);
  const grant = run || grantId === undefined ? undefined : await store.place(log, 'grant', grantId);
  return (run ?? grant)?.treeId;
}

/**
 * The ledger of the log that an id names, within a tenant (I9), once it has reached a position: without one, what was in
 * the log when it was asked, so that a caller sees what it has just done. One that falls behind answers from what it has.
 */
export async function reach(
  backends: Backends,
  tenant: string,
  id: string,
  minPosition: number | undefined,
): Promise<LogLedger | undefined> {
  const n = logNumberOf(id);
  const ledger = n === undefined ? undefined : backends.ledgers.get(logName(tenant, n));
  if (ledger && minPosition === undefined) await ledger.reached((await backends.eventlog.head(ledger.state.log)) - 1);
  await catchUp([ledger], minPosition);
  return ledger;
}

/** Whom a run belongs to is read from the state: an answer from half of it would leave things out. */
export function folded(ledger: LogLedger): LogLedger['state'] {
  const { state, position } = ledger;
  if (state.next < position) throw new NotYet(`the state of ${state.log} is being folded anew; try again`);
  return state;
}
