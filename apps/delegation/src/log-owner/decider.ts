import { decide } from '@bailiwick/authority/commands/decide';
import { sealAll, type Sealed } from '@bailiwick/authority/commands/seal';
import { evolve } from '@bailiwick/authority/events/evolve';
import { isKeyed, type LogState } from '@bailiwick/authority/state/state';
import { OWN_COMMANDS, readCommand, type Answer, type Command } from '@bailiwick/contracts/commands/command';
import { monotonicClock, rfc3339 } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { mostEvents, refusedBy, type Batch, type CommandItem, type Item, type Staged } from './batching/batch';
import { outOfTime } from './deadline';
import type { OwnerOptions } from './ports';
import type { Previews } from './previews';
import type { RefusalCounts } from './refusal-counts';
import { badCommand, clockWentBack, notFromOutside, notReady, onlyTightens } from './refusals';

const TICKS_PER_BATCH = 500;

type DeciderOptions = Pick<OwnerOptions, 'rules' | 'clock' | 'storeClock' | 'elapsed'>;

/** Decides the commands of a batch in order and folds their events into the state. Writes nothing. */
export class Decider {
  constructor(
    private readonly options: DeciderOptions,
    private readonly previews: Previews,
    private readonly refusals: RefusalCounts,
  ) {}

  /** The time of decisions: the clock's, but never before the newest event. */
  nowFor(state: LogState): number {
    return Math.max(this.options.clock.now(), state.lastTime);
  }

  /**
   * Decides as many items of the batch as fit into it and into one time slice.
   * @throws if a decision fails: the state may then be inconsistent and must be dropped
   */
  stageAll(state: LogState, batch: Batch): void {
    const clock = this.options.clock.now();
    const now = Math.max(clock, state.lastTime);
    const wrong = state.lastTime - clock > LIMITS.clockBackMs ? clockWentBack(state.lastTime - clock) : undefined;
    this.stageTicks(state, now, batch);
    if (now >= this.refusals.dueAt) this.stageRefusalCounts(state, now, batch);
    const elapsed = this.options.elapsed ?? monotonicClock;
    const end = elapsed.now() + LIMITS.decideTurnMs;
    while (batch.taken < batch.items.length && !batch.isFull) {
      if (elapsed.now() > end) break;
      const item = batch.items[batch.taken++] as Item;
      if (item.kind === 'read') batch.hasReads = true;
      else if (wrong && !onlyTightens(item.raw)) batch.staged.push(refusedBy(item, wrong));
      else batch.staged.push(this.stage(state, item, now, batch.sealed));
      // what a responder does is in the append of what it responds to; if that is full, the next one starts with it
      if (state.responders.pending.size > 0) this.stageTicks(state, now, batch);
    }
  }

  /**
   * Adds the counts of refusals that have no event. A crash before the commit loses only the counts: each refusal was
   * answered, and none of them changed the state.
   */
  stageRefusalCounts(state: LogState, now: number, batch: Batch): void {
    const taken = this.refusals.take(now);
    batch.counted.push(...taken);
    for (const { since, ...counts } of taken) {
      const command = {
        type: 'summarizeRefusals',
        log: state.log,
        commandId: `cmd_refusals_${String(state.next).padStart(10, '0')}`,
        actor: { kind: 'system', id: 'delegation' },
        since: rfc3339(since),
        ...counts,
      } as const;
      batch.staged.push(this.decideInto(state, command, now, batch.sealed, undefined));
    }
  }

  /** Expiries come first, so that no command of this batch acts under an expired grant. */
  private stageTicks(state: LogState, now: number, { sealed, staged }: Batch): void {
    for (let i = 0; i < TICKS_PER_BATCH && sealed.length < mostEvents(); i++) {
      const next = state.deadlines.peek();
      if (!next || next.at > now) break;
      const command = {
        type: 'tick',
        log: state.log,
        // unique: a position is written once, and no other command has an ID of this form
        commandId: `cmd_tick_${String(state.next).padStart(10, '0')}`,
        actor: { kind: 'system', id: 'delegation' },
      } as const;
      staged.push(this.decideInto(state, command, now, sealed, undefined));
    }
  }

  private stage(state: LogState, item: CommandItem, now: number, sealed: Sealed[]): Staged {
    const parsed = readCommand(item.raw);
    if (!parsed.success) return refusedBy(item, badCommand(parsed.error.issues));
    if (OWN_COMMANDS.includes(parsed.data.type)) return refusedBy(item, notFromOutside(parsed.data.type));
    const command = this.previews.verify(parsed.data, state);
    const known = (isKeyed(command.commandId) ? state.keyed : state.tries).get(command.commandId);
    if (known) {
      if (known.requestDigest === command.requestDigest) return { item, events: [], replay: known };
      return refusedBy(item, {
        ok: false,
        refusal: {
          code: 'IDEMPOTENCY_KEY_REUSED',
          detail: 'this Idempotency-Key was used for a different request; use a new key for a new request',
        },
      });
    }
    if (item.unsure) return refusedBy(item, notReady('the decision could not be written; retry with the same key'));
    const late = outOfTime(item.deadline, (this.options.storeClock ?? this.options.clock).now());
    return late ? refusedBy(item, late) : this.decideInto(state, command, now, sealed, item);
  }

  private decideInto(state: LogState, command: Command, now: number, sealed: Sealed[], item: Staged['item']): Staged {
    const decided = decide(state, command, now, this.options.rules);
    if (!decided.ok) {
      const { code, detail, reasons, extra, unwritten } = decided.error;
      if (unwritten) this.refusals.count(unwritten, now);
      const refused: Answer = {
        ok: false,
        refusal: { code, detail, ...(reasons ? { reasons } : {}), ...(extra ? { extra } : {}) },
      };
      const grew = code === 'BLAST_RADIUS_GREW' && command.type === 'revokeSelector';
      return grew ? { ...refusedBy(item, refused), shows: command } : refusedBy(item, refused);
    }
    const fresh = sealAll(state, command, now, decided.value);
    if (!fresh.ok) return refusedBy(item, { ok: false, refusal: fresh.error });
    for (const each of fresh.value) {
      evolve(state, each.event);
      sealed.push(each);
    }
    return { item, events: fresh.value.map((each) => each.event) };
  }
}
