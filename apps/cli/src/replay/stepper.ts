import { evolveUnasked } from '@bailiwick/authority/events/evolve';
import { emptyState, type LogState } from '@bailiwick/authority/state/state';
import { grantView, runView, type RunTexts } from '@bailiwick/authority/presentation/views';
import type { Event } from '@bailiwick/contracts/events/event';
import { named, withNamesIn, type PersonNames } from '@bailiwick/contracts/people/person-names';
import type { TreeView } from '@bailiwick/contracts/queries/query';
import { parseTime } from '@bailiwick/core/clock';
import { parseLogName } from '@bailiwick/core/ids';
import { money } from '@bailiwick/core/money';
import { quantity } from '@bailiwick/core/quantity';
import { sentenceOf } from '@bailiwick/receipts/human/timeline';

/** An event with its payload. */
export interface TreeEvent {
  readonly event: Event;
  readonly payload: Readonly<Record<string, unknown>> | undefined;
}

/** An event and its effect on the tree. */
export interface Step {
  /** starts at 0 */
  readonly index: number;
  readonly of: number;
  readonly event: Event;
  readonly says: string;
  /** one line per change */
  readonly changes: readonly string[];
  /** the tree after the event; undefined before its first event */
  readonly tree: TreeView | undefined;
}

/** The moves from one step to another. */
export const MOVES = ['next', 'back', 'denial', 'revocation', 'first', 'last'] as const;
export type Move = (typeof MOVES)[number];

/**
 * Presents the events of a tree, and the revocation rules of its log, as steps. Any step is available: a later one folds
 * more events, an earlier one folds again from the first event.
 */
export class Stepper {
  private state: LogState | undefined;
  private folded = 0;
  private readonly payloads: ReadonlyMap<number, TreeEvent['payload']>;

  /**
   * @param events ordered by position
   * @param names of people, which the steps show in place of refs
   */
  constructor(
    private readonly treeId: string,
    private readonly events: readonly TreeEvent[],
    private readonly names: PersonNames = {},
  ) {
    this.payloads = new Map(events.map(({ event, payload }) => [event.position, payload]));
  }

  get length(): number {
    return this.events.length;
  }

  step(index: number): Step {
    const { event } = this.events[index] as TreeEvent;
    const before = this.linesAt(index);
    const after = this.linesAt(index + 1);
    return {
      index,
      of: this.length,
      event: named(event, this.names),
      says: withNamesIn(sentenceOf(event), this.names),
      changes: changed(before, after),
      tree: this.tree(),
    };
  }

  /** Returns the target of a move from a step; the step itself if there is no such target. */
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

  /** Returns the last step that is not after a position or a time (ms); the first step if all are. */
  notAfter(at: { position: number } | { time: number }): number {
    const found = this.events.findLastIndex(({ event }) =>
      'position' in at ? event.position <= at.position : (parseTime(event.time) as number) <= at.time,
    );
    return Math.max(found, 0);
  }

  /** Returns the first step at or after a position; `length` if there is none. */
  notBefore(position: number): number {
    const found = this.events.findIndex(({ event }) => event.position >= position);
    return found < 0 ? this.length : found;
  }

  private after(index: number, types: ReadonlySet<string>): number {
    const found = this.events.findIndex(({ event }, i) => i > index && types.has(event.type));
    return found < 0 ? index : found;
  }

  /** Returns the state after the first `count` events. */
  private foldTo(count: number): LogState {
    if (!this.state || count < this.folded) {
      const log = this.events[0]?.event.log ?? 'default/0';
      const { tenant, n } = parseLogName(log);
      this.state = emptyState(log, tenant, n);
      this.folded = 0;
    }
    for (; this.folded < count; this.folded++) {
      const { event } = this.events[this.folded] as TreeEvent;
      this.state.next = event.position; // skips the events of other trees
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
      for (const [unit, used] of Object.entries(consumed.units ?? {}))
        lines.set(`lease ${id} used or reserved ${unit}`, quantity(used, unit));
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
    const payload = this.payloads.get(position) ?? {};
    const text = (key: string): string | null => (typeof payload[key] === 'string' ? payload[key] : null);
    return { purpose: text('purpose'), requestedBy: text('requestedBy'), task: text('task') };
  }
}

const DENIALS = new Set(['ActionDenied', 'DelegationRefused', 'Refused', 'RefusalsSummarized']);
const REVOCATIONS = new Set(['GrantRevoked', 'RevocationRuleAdded']);

/** Returns the lines that were added, changed or removed. */
function changed(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): string[] {
  const lines = [...after]
    .filter(([what, value]) => before.get(what) !== value)
    .map(([what, value]) => (before.has(what) ? `${what}: ${before.get(what)} → ${value}` : `${what}: ${value}`));
  const removed = [...before].filter(([what]) => !after.has(what)).map(([what, value]) => `${what}: ${value} → none`);
  return [...lines, ...removed];
}
