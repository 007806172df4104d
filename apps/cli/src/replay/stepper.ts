import { evolveUnasked } from '@bailiwick/authority/events/evolve';
import { emptyState, type LogState } from '@bailiwick/authority/state/state';
import { grantView, runView, type RunTexts } from '@bailiwick/authority/presentation/views';
import type { Event } from '@bailiwick/contracts/event';
import type { TreeView } from '@bailiwick/contracts/query';
import { parseTime } from '@bailiwick/core/clock';
import { parseLogName } from '@bailiwick/core/ids';
import { money } from '@bailiwick/core/money';
import { sentenceOf } from '@bailiwick/receipts/human/timeline';

/** An event with what is told of it in words. */
export interface Told {
  readonly event: Event;
  readonly words: Readonly<Record<string, unknown>> | undefined;
}

/** One event, and what it made of the tree. */
export interface Step {
  /** 0 is the first */
  readonly index: number;
  readonly of: number;
  readonly event: Event;
  readonly says: string;
  /** what is other than before it, a line each */
  readonly changes: readonly string[];
  /** the tree after it; undefined as long as there is none */
  readonly tree: TreeView | undefined;
}

/** What a person may ask for next. */
export const MOVES = ['next', 'back', 'denial', 'revocation', 'first', 'last'] as const;
export type Move = (typeof MOVES)[number];

/**
 * The events of one tree, and the revocations of the log that are of no tree, as steps. Any step can be asked for: going
 * on folds one event more, going back folds again from the first. Values in, values out.
 */
export class Stepper {
  private state: LogState | undefined;
  private folded = 0;
  private readonly words: ReadonlyMap<number, Told['words']>;

  /** @param told by position */
  constructor(
    private readonly treeId: string,
    private readonly told: readonly Told[],
  ) {
    this.words = new Map(told.map(({ event, words }) => [event.position, words]));
  }

  get length(): number {
    return this.told.length;
  }

  step(index: number): Step {
    const { event } = this.told[index] as Told;
    const before = this.linesAt(index);
    const after = this.linesAt(index + 1);
    return {
      index,
      of: this.length,
      event,
      says: sentenceOf(event),
      changes: changed(before, after),
      tree: this.tree(),
    };
  }

  /** Where a move leads to from a step; where there is nothing of the kind any more, the step itself. */
  where(index: number, move: Move): number {
    const last = this.length - 1;
    switch (move) {
      case 'next':
        return Math.min(index + 1, last);
      case 'back':
        return Math.max(index - 1, 0);
      case 'first':
        return 0;
      case 'last':
        return last;
      case 'denial':
        return this.after(index, DENIALS);
      case 'revocation':
        return this.after(index, REVOCATIONS);
    }
  }

  /** The last step that is not after a position, or a time (ms); the first where all are. */
  notAfter(at: { position: number } | { time: number }): number {
    const found = this.told.findLastIndex(({ event }) =>
      'position' in at ? event.position <= at.position : (parseTime(event.time) as number) <= at.time,
    );
    return Math.max(found, 0);
  }

  /** The first step at or after a position; `length` where there is none. */
  notBefore(position: number): number {
    const found = this.told.findIndex(({ event }) => event.position >= position);
    return found < 0 ? this.length : found;
  }

  private after(index: number, types: ReadonlySet<string>): number {
    const found = this.told.findIndex(({ event }, i) => i > index && types.has(event.type));
    return found < 0 ? index : found;
  }

  /** The state after so many events. */
  private foldTo(count: number): LogState {
    if (!this.state || count < this.folded) {
      const log = this.told[0]?.event.log ?? 'default/0';
      const { tenant, n } = parseLogName(log);
      this.state = emptyState(log, tenant, n);
      this.folded = 0;
    }
    for (; this.folded < count; this.folded++) {
      const { event } = this.told[this.folded] as Told;
      this.state.next = event.position; // events of other trees are not there
      evolveUnasked(this.state, event);
    }
    return this.state;
  }

  private linesAt(count: number): ReadonlyMap<string, string> {
    this.foldTo(count);
    const tree = this.tree();
    const lines = new Map<string, string>();
    for (const run of tree?.runs ?? []) {
      lines.set(`run ${run.id} (${run.agent.class})`, run.status);
      if (run.drift) lines.set(`drift of ${run.agent.class} ${run.id}`, run.drift.toFixed(2));
    }
    for (const { id, status, consumed, reserved } of tree?.grants ?? []) {
      lines.set(`lease ${id}`, status);
      for (const [name, used] of Object.entries(consumed))
        if (typeof used === 'number' && used > 0) lines.set(`lease ${id} ${name}`, String(used));
      for (const [currency, used] of Object.entries(consumed.cost))
        lines.set(`lease ${id} spent or reserved ${currency}`, money(used, currency));
      for (const [currency, held] of Object.entries(reserved.cost))
        lines.set(`lease ${id} reserved ${currency}`, money(held, currency));
    }
    for (const label of tree?.labels ?? []) lines.set(`label ${label}`, 'shown');
    return lines;
  }

  private tree(): TreeView | undefined {
    const state = this.state as LogState;
    const tree = state.trees.get(this.treeId);
    if (!tree) return undefined;
    const { runs, grants } = tree;
    return {
      id: tree.id,
      log: state.log,
      position: state.next - 1,
      runs: runs.map((run) => runView(state, run, this.textsAt(run.position), state.lastTime)),
      grants: grants.map((grant) => grantView(state, grant, state.lastTime)),
      labels: Object.keys(tree.labels),
    };
  }

  private textsAt(position: number): RunTexts {
    const words = this.words.get(position) ?? {};
    const text = (key: string): string | null => (typeof words[key] === 'string' ? words[key] : null);
    return { purpose: text('purpose'), requestedBy: text('requestedBy'), task: text('task') };
  }
}

const DENIALS = new Set(['ActionDenied', 'DelegationRefused', 'Refused', 'RefusalsSummarized']);
const REVOCATIONS = new Set(['GrantRevoked', 'RevocationRuleAdded']);

/** What is said after that was not said before, or otherwise. */
function changed(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const lines = [...after]
    .filter(([what, value]) => before.get(what) !== value)
    .map(([what, value]) => (before.has(what) ? `${what}: ${before.get(what)} → ${value}` : `${what}: ${value}`));
  const gone = [...before].filter(([what]) => !after.has(what)).map(([what, value]) => `${what}: ${value} → none`);
  return [...lines, ...gone];
}
