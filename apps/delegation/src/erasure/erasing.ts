import { blockedInChain } from '@bailiwick/authority/state/liveness';
import { chainOf, type LogState } from '@bailiwick/authority/state/state';
import { erase as eraseSchema } from '@bailiwick/contracts/command';
import { readBody } from '@bailiwick/authority/state/set-aside';
import type { PayloadSelection, Payloads } from '@bailiwick/event-store/payloads';
import { LIMITS } from '@bailiwick/core/limits';
import type { LogOwner } from '../log-owner/owner';

/** What an erasure of a person would reach, and what it would not: runs that go on write anew. */
export interface Reach {
  readonly beside: PayloadSelection;
  readonly runs: number;
  readonly liveRuns: number;
}

/** What the live state knows of a person: which of her runs go on, and the rules by her name before a position. */
function aboutHer(state: LogState, subjectRef: string, before: number, now: number) {
  const runs = [...state.runs.values()].filter((run) => run.principalRef === subjectRef && run.position < before);
  const live = runs.filter(({ grantId }) => {
    const chain = grantId === undefined ? undefined : chainOf(state, grantId);
    return chain !== undefined && blockedInChain(state, chain, now) === undefined;
  });
  const rules = state.rules.list.filter((rule) => rule.selector.principalRef === subjectRef && rule.position < before);
  return { before, liveRuns: live.length, positions: rules.map((rule) => rule.position) };
}

/**
 * The trees opened for a person, and the rules by her name, before a position; as `isErasedBy` has it. The trees are
 * told from the log: the state has forgotten those that ended long ago.
 * @param mark left out: all that is there now
 */
export async function reachOf(
  owner: Pick<LogOwner, 'read'>,
  payloads: Pick<Payloads, 'openedFor'>,
  log: string,
  subjectRef: string,
  mark?: number,
): Promise<Reach> {
  const { before, liveRuns, positions } = await owner.read((state, now) =>
    aboutHer(state, subjectRef, mark ?? state.next, now),
  );
  const { runs, trees } = await payloads.openedFor(log, subjectRef, before);
  return { beside: { trees, positions, subjectRef, before }, runs, liveRuns };
}

/**
 * What a person's erasure would erase now. Changes nothing.
 * @param alone also where nothing but the reasons of earlier erasures is left
 */
export async function previewErasure(
  owner: LogOwner,
  payloads: Payloads,
  log: string,
  subjectRef: string,
  alone = false,
) {
  const { beside, runs, liveRuns } = await reachOf(owner, payloads, log, subjectRef);
  const counted = await payloads.count(log, beside);
  // an earlier reason goes with what there is; alone it is erased only on request, since a reason given for that would
  // be the next one
  const byType = alone || Object.keys(counted).some((type) => type !== 'PayloadsErased') ? counted : {};
  const total = Object.values(byType).reduce((sum, each) => sum + each, 0);
  return {
    subjectRef,
    before: beside.before,
    runs,
    liveRuns,
    trees: beside.trees.length,
    payloads: total,
    byType,
    earlierReasons: counted['PayloadsErased'] ?? 0,
  };
}

/** What there is to erase is counted before the command enters the mailbox: the owner itself waits for nobody. */
export async function withFound(owner: LogOwner, payloads: Payloads, raw: unknown): Promise<unknown> {
  const parsed = eraseSchema.safeParse(raw);
  if (!parsed.success) return raw; // its owner says what is wrong with it
  const { log, subjectRef, earlierReasons = false } = parsed.data;
  const { before, runs, payloads: count } = await previewErasure(owner, payloads, log, subjectRef, earlierReasons);
  return { ...parsed.data, found: { before, runs, payloads: count } };
}

/**
 * Does what recorded erasures say, in small steps, until none is left undone. Called when an owner begins and after each
 * erasure it records: so what a death interrupted goes on with the next owner.
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

  /** Resolves once nothing that was recorded before the call is undone; or at the stop. */
  run(): Promise<void> {
    this.working = this.working.then(() => this.work());
    return this.working;
  }

  /** Ends after the step in hand: what is left is the next owner's. */
  async stop(): Promise<void> {
    this.stopped = true;
    await this.working;
  }

  private async work(): Promise<void> {
    while (!this.stopped) {
      try {
        for (const { position, body } of await this.payloads.unfinished(this.log)) {
          const read = readBody(body); // one that cannot be read says of nobody what is to go
          const event = read.ok ? read.value : undefined;
          if (event?.type === 'PayloadsErased') await this.carryOut(position, event.data.subjectRef, event.data.before);
        }
        return;
      } catch (error) {
        if (this.stopped) return;
        this.warn('an erasure is recorded and not done yet; it is tried again', error);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }

  private async carryOut(erasure: number, subjectRef: string, before: number): Promise<void> {
    const { beside } = await reachOf(this.owner, this.payloads, this.log, subjectRef, before);
    const step = LIMITS.eraseTreesAtOnce;
    for (let i = 0; i === 0 || i < beside.trees.length; i += step) {
      const part = { ...beside, trees: beside.trees.slice(i, i + step) };
      for (let erased = Infinity; erased >= LIMITS.erasePayloadsAtOnce;) {
        if (this.stopped) return;
        erased = await this.payloads.erase(this.log, erasure, part, LIMITS.erasePayloadsAtOnce);
        // Dying here: the erasure is recorded and not said to be done; the next owner takes what is left.
      }
    }
    await this.payloads.finished(this.log, erasure);
  }
}

const RETRY_MS = 1_000;
