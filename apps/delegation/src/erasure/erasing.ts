import { peopleIn } from '@bailiwick/contracts/revocations/stored-selector';
import { blockedInChain } from '@bailiwick/authority/state/liveness';
import { chainOf, type LogState } from '@bailiwick/authority/state/state';
import { erase as eraseSchema } from '@bailiwick/contracts/commands/command';
import { readBody } from '@bailiwick/authority/state/set-aside';
import type { PayloadSelection, Payloads } from '@bailiwick/event-store/payloads';
import { LIMITS } from '@bailiwick/core/limits';
import type { LogOwner } from '../log-owner/owner';

/** The payloads that an erasure of a person covers. Live runs write new ones, which it does not cover. */
export interface Reach {
  readonly payloads: PayloadSelection;
  readonly runs: number;
  readonly liveRuns: number;
}

/** Finds a person's live runs, and the rules and tenant budgets that name them, before a position in the state. */
function eventsAbout(state: LogState, subjectRef: string, before: number, now: number) {
  const runs = [...state.runs.values()].filter((run) => run.principalRef === subjectRef && run.position < before);
  const live = runs.filter(({ grantId }) => {
    const chain = grantId === undefined ? undefined : chainOf(state, grantId);
    return chain !== undefined && blockedInChain(state, chain, now) === undefined;
  });
  const rules = state.rules.list.filter(
    (rule) => rule.position < before && peopleIn(rule.selector).includes(subjectRef),
  );
  const budgets = (state.purses.naming.get(subjectRef) ?? []).filter((position) => position < before);
  return { before, liveRuns: live.length, positions: [...rules.map((rule) => rule.position), ...budgets] };
}

/**
 * Returns the trees opened for a person, and the rules and tenant budgets that name them, before a position, as `isErasedBy` defines it.
 * The trees are read from the log, because the state no longer holds those that ended long ago.
 * @param mark the position; the end of the log by default
 */
export async function reachOf(
  owner: Pick<LogOwner, 'read'>,
  store: Pick<Payloads, 'openedFor'>,
  log: string,
  subjectRef: string,
  mark?: number,
): Promise<Reach> {
  const { before, liveRuns, positions } = await owner.read((state, now) =>
    eventsAbout(state, subjectRef, mark ?? state.next, now),
  );
  const { runs, trees } = await store.openedFor(log, subjectRef, before);
  return { payloads: { trees, positions, subjectRef, before }, runs, liveRuns };
}

/**
 * Counts what an erasure of a person would erase now. Changes nothing.
 * @param alone count the reasons of earlier erasures even if no other payloads are left
 */
export async function previewErasure(owner: LogOwner, store: Payloads, log: string, subjectRef: string, alone = false) {
  const { payloads, runs, liveRuns } = await reachOf(owner, store, log, subjectRef);
  const counted = await store.count(log, payloads);
  // reasons of earlier erasures are erased along with other payloads; alone they are erased only on request, because the
  // reason given for that erasure would again remain
  const byType = alone || Object.keys(counted).some((type) => type !== 'PayloadsErased') ? counted : {};
  const total = Object.values(byType).reduce((sum, each) => sum + each, 0);
  return {
    subjectRef,
    before: payloads.before,
    runs,
    liveRuns,
    trees: payloads.trees.length,
    payloads: total,
    byType,
    earlierReasons: counted['PayloadsErased'] ?? 0,
    name: await store.hasName(log, subjectRef),
  };
}

/** Counts the payloads to erase before the command enters the mailbox, because an owner never waits for other services. */
export async function withFound(owner: LogOwner, store: Payloads, raw: unknown): Promise<unknown> {
  const parsed = eraseSchema.safeParse(raw);
  if (!parsed.success) return raw; // the owner refuses it
  const { log, subjectRef, earlierReasons = false } = parsed.data;
  const { before, runs, payloads, name } = await previewErasure(owner, store, log, subjectRef, earlierReasons);
  return { ...parsed.data, found: { before, runs, payloads, ...(name ? { name } : {}) } };
}

/**
 * Carries out recorded erasures in small steps until none is left. Runs when an owner starts and after each erasure that
 * it records, so the next owner completes an erasure that a crash interrupted.
 */
export class Erasing {
  private working: Promise<void> = Promise.resolve();
  private stopped = false;

  constructor(
    private readonly log: string,
    private readonly owner: LogOwner,
    private readonly payloads: Payloads,
    private readonly warn: (message: string, cause?: unknown) => void,
  ) {}

  /** Resolves when all erasures recorded before the call are carried out, or on `stop`. */
  run(): Promise<void> {
    this.working = this.working.then(() => this.work());
    return this.working;
  }

  /** Stops after the current step; the next owner carries out the rest. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.working;
  }

  private async work(): Promise<void> {
    while (!this.stopped) {
      try {
        for (const { position, body } of await this.payloads.unfinished(this.log)) {
          const read = readBody(body); // an unreadable event does not identify what to erase
          const event = read.ok ? read.value : undefined;
          if (event?.type === 'PayloadsErased') await this.carryOut(position, event.data.subjectRef, event.data.before);
        }
        return;
      } catch (error) {
        if (this.stopped) return;
        this.warn('a recorded erasure could not be carried out; trying again', error);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  private async carryOut(erasure: number, subjectRef: string, before: number): Promise<void> {
    const { payloads } = await reachOf(this.owner, this.payloads, this.log, subjectRef, before);
    await this.payloads.eraseName(this.log, subjectRef);
    const step = LIMITS.eraseTreesAtOnce;
    for (let i = 0; i === 0 || i < payloads.trees.length; i += step) {
      const part = { ...payloads, trees: payloads.trees.slice(i, i + step) };
      for (let erased = Infinity; erased >= LIMITS.erasePayloadsAtOnce;) {
        if (this.stopped) return;
        erased = await this.payloads.erase(this.log, erasure, part, LIMITS.erasePayloadsAtOnce);
        // A crash here: the erasure is recorded but not marked as finished; the next owner completes it.
      }
    }
    await this.payloads.finished(this.log, erasure);
  }
}

const RETRY_MS = 1_000;
