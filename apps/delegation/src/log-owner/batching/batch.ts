import type { Meant } from '@bailiwick/authority/revocation/reach';
import type { Sealed } from '@bailiwick/authority/commands/seal';
import type { CommandNode, LogState } from '@bailiwick/authority/state/state';
import type { Answer } from '@bailiwick/contracts/commands/command';
import type { Event } from '@bailiwick/contracts/events/event';
import { LIMITS } from '@bailiwick/core/limits';
import type { Counts } from '../refusal-counts';

/** An entry of an owner's mailbox. */
export type Item =
  | {
      kind: 'command';
      raw: unknown;
      /** the command is not carried out after this time, ms since the epoch */
      deadline?: number | undefined;
      /** it is unknown whether the command was written: it is answered if it was, and not decided again if it was not */
      unsure?: boolean;
      /** called when the command is decided and committed, and only its response is outstanding */
      onCommitted?: (() => void) | undefined;
      resolve: (answer: Answer) => void;
    }
  | {
      kind: 'read';
      read: (state: LogState, now: number) => unknown;
      resolve: (value: unknown) => void;
      reject: (error: unknown) => void;
    };

export type CommandItem = Extract<Item, { kind: 'command' }>;

/** The result of deciding one command: its events, or the reason why there are none. */
export interface Staged {
  readonly item: CommandItem | undefined;
  readonly events: readonly Event[];
  /** a response that does not depend on the commit: a refusal */
  readonly answer?: Answer;
  /** the target of the preview to attach to the refusal; counted in pieces after the batch */
  readonly shows?: Meant & { readonly previewed?: { readonly digest: string } | undefined };
  /** the earlier execution of the same command: the positions of its events */
  readonly replay?: CommandNode;
}

export const MOST_ITEMS = LIMITS.commandsPerMessage * 4;
/** Half of the events that an append accepts: a command makes several events and is never split. */
export const mostEvents = (): number => LIMITS.appendBatchEvents / 2;

/** Commands that are decided together: one append, and all responses that depend on it. */
export class Batch {
  /** number of staged items; the remaining ones belong to the next batch */
  taken = 0;
  hasReads = false;
  readonly sealed: Sealed[] = [];
  readonly staged: Staged[] = [];
  /** refusal counts that are written with this batch */
  readonly counted: Counts[] = [];

  constructor(readonly items: Item[] = []) {}

  /** The earliest deadline of the commands to be written. */
  get notAfter(): number | undefined {
    const deadlines = this.staged.flatMap(({ item, events }) => (events.length > 0 ? (item?.deadline ?? []) : []));
    return deadlines.length > 0 ? deadlines.reduce((a, b) => Math.min(a, b)) : undefined;
  }

  get isFull(): boolean {
    return this.sealed.length >= mostEvents() || this.taken >= MOST_ITEMS;
  }

  /** Reports whether the time slice ended before all items were staged. */
  get isCutShort(): boolean {
    return this.taken < this.items.length && !this.isFull;
  }

  get wantsMore(): boolean {
    return this.taken === this.items.length && !this.isFull;
  }

  get isEmpty(): boolean {
    return this.taken === 0 && this.staged.length === 0;
  }

  /** Moves the items that did not fit into the next batch. */
  rest(): Batch {
    return new Batch(this.items.splice(this.taken));
  }
}

export const refusedBy = (item: Staged['item'], answer: Answer): Staged => ({ item, events: [], answer });

export function answerRead(item: Extract<Item, { kind: 'read' }>, state: LogState, now: number): void {
  try {
    item.resolve(item.read(state, now));
  } catch (error) {
    item.reject(error);
  }
}
