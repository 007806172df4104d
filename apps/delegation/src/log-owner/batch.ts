import type { Meant } from '@bailiwick/authority/revocation/reach';
import type { Sealed } from '@bailiwick/authority/commands/seal';
import type { CommandNode, LogState } from '@bailiwick/authority/state/state';
import type { Answer } from '@bailiwick/contracts/command';
import type { Event } from '@bailiwick/contracts/event';
import { LIMITS } from '@bailiwick/core/limits';
import type { Counts } from './refusal-counts';

/** What waits in an owner's mailbox. */
export type Item =
  | {
      kind: 'command';
      raw: unknown;
      /** after it the command is not carried out */
      deadline?: number | undefined;
      /** whether it was written is not known: it is answered if it was, and not decided again */
      unsure?: boolean;
      /** it is decided and written, and only its answer may take longer */
      landed?: (() => void) | undefined;
      resolve: (answer: Answer) => void;
    }
  | {
      kind: 'read';
      read: (state: LogState, now: number) => unknown;
      resolve: (value: unknown) => void;
      reject: (error: unknown) => void;
    };

export type CommandItem = Extract<Item, { kind: 'command' }>;

/** One command on its way through a batch: what it made, or why it made nothing. */
export interface Staged {
  readonly item: CommandItem | undefined;
  readonly events: readonly Event[];
  /** the answer that is known already: a refusal */
  readonly answer?: Answer;
  /** a refusal that comes with a preview of this: counted after the batch, in pieces */
  readonly shows?: Meant;
  /** a command that was answered before: where its events stand */
  readonly replay?: CommandNode;
}

export const MOST_ITEMS = LIMITS.commandsPerMessage * 4;
/** half of what an append takes: a command makes several events, and is decided as a whole */
export const mostEvents = (): number => LIMITS.appendBatchEvents / 2;

/** What is decided together: one append, and all that is answered after it. */
export class Batch {
  /** how many of the items are staged; the others come into the next batch */
  taken = 0;
  hasReads = false;
  readonly sealed: Sealed[] = [];
  readonly staged: Staged[] = [];
  /** counts of refusals that are written with it */
  readonly counted: Counts[] = [];

  constructor(readonly items: Item[] = []) {}

  /** when the first of the commands that are to be written must not be written any more */
  get notAfter(): number | undefined {
    const deadlines = this.staged.flatMap(({ item, events }) => (events.length > 0 ? (item?.deadline ?? []) : []));
    return deadlines.length > 0 ? deadlines.reduce((a, b) => Math.min(a, b)) : undefined;
  }

  get isFull(): boolean {
    return this.sealed.length >= mostEvents() || this.taken >= MOST_ITEMS;
  }

  /** its turn was over before all of its items were staged */
  get isCutShort(): boolean {
    return this.taken < this.items.length && !this.isFull;
  }

  get wantsMore(): boolean {
    return this.taken === this.items.length && !this.isFull;
  }

  get isEmpty(): boolean {
    return this.taken === 0 && this.staged.length === 0;
  }

  /** The next batch, of the items that did not fit into this one. */
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
