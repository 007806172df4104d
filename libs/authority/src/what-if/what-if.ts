import type { Event } from '@bailiwick/contracts/event';
import { LIMITS } from '@bailiwick/core/limits';
import type { Change, ReplayAnswer, ReplayRequest } from '@bailiwick/contracts/replay';
import type { Rules } from '../commands/types';
import { evolveUnasked } from '../events/evolve';
import { isPassedOver } from '../state/set-aside';
import type { LogState } from '../state/state';
import { evolveStored } from '../state/stored';
import { Shadow } from './shadow';
import { Tally } from './tally';

/**
 * Decides the recorded actions of a log, or of one tree of it, again under a change. Given the events in order, a few at
 * a time; however long the log is, it keeps no more than its state and one page of differences.
 */
export class WhatIf {
  private readonly tally: Tally;
  private readonly first: number;
  private readonly last: number;
  private shadow: Shadow | undefined;
  /** of the command whose events are not all there yet */
  private pending: Event[] = [];
  private seen = -1;
  private unreadable = 0;

  /**
   * @param state the log's before the first event that will be given: empty, or from a snapshot not after `from`
   * @param rules with the trajectory judged as under the change
   */
  constructor(
    private readonly state: LogState,
    private readonly request: ReplayRequest,
    private readonly rules: Rules,
  ) {
    this.first = request.from ?? 0;
    this.last = request.to ?? Infinity;
    this.tally = new Tally(request.after ?? -1, request.limit ?? LIMITS.replayPageDefault);
  }

  /** @throws CorruptLog where the events do not follow from each other */
  take(event: Event): void {
    if (event.position > this.last) return;
    this.seen = event.position;
    const [before] = this.pending;
    if (before && before.commandId !== event.commandId) this.flush();
    this.pending.push(event);
  }

  /**
   * A stored event that cannot be read. It is set aside as every fold of the log does (I11), with the tree that it names,
   * and nothing of that tree is decided again after it.
   */
  passOver(body: string): void {
    const position = positionIn(body) ?? this.seen + 1;
    if (position > this.last) return;
    this.flush();
    this.seen = position;
    this.unreadable += 1;
    this.state.next = position;
    evolveStored(this.state, { position, body }, evolveUnasked);
  }

  /** What came of it, once all events were given. */
  end(): ReplayAnswer {
    this.flush();
    const { log } = this.state;
    const assumes = assumptions(this.request.change, this.unreadable);
    return { log, from: this.first, to: this.seen, ...this.tally.told(), assumes };
  }

  private flush(): void {
    const events = this.pending;
    this.pending = [];
    const [begin] = events;
    if (!begin) return;
    const isAside = events.some((event) => isPassedOver(this.state, event));
    if (begin.position >= this.first && !isAside) {
      this.shadow ??= new Shadow(this.state, this.request.change, this.rules, this.tally);
      this.shadow.take(events);
      return;
    }
    for (const event of events) {
      this.state.next = event.position; // of one tree, or of one that has gaps for another reason
      evolveUnasked(this.state, event);
    }
  }
}

/** What nobody can know, and what is taken for it. */
function assumptions({ grant, policy, drift }: Change, unreadable: number): string[] {
  const grants = grant !== undefined || policy?.approvalFrom !== undefined || policy?.ceiling !== undefined;
  return [
    ...(unreadable > 0
      ? [
          `Stored events that cannot be read (${unreadable}) are passed over, and so is what comes after them in the trees that they name.`,
        ]
      : []),
    'What agents asked for, what people answered, and what the monitor scored is taken as it was recorded; what an agent would have done after another answer is not known.',
    'A call that would have been denied, or asked about, was not made: it spends nothing, its outcome and its labels fall away, and so do the calls inside it.',
    'A call that was denied and would have been permitted is taken to have cost what was reserved; what would have come after it is not known.',
    'An approval that was given stays given, for exactly that call; a call that a person would have been asked about without having been asked then counts as not made.',
    ...(grants || drift || policy?.defaults
      ? [
          'What a lease was asked for is not recorded, only what it was given: where a child says what its parent said, it is taken to have left it out, and takes what its parent says under the change.',
          'Leases that people approved are taken to be approved under the change, too.',
        ]
      : []),
    ...(policy?.defaults ? ['Where a root lease says what the defaults say, it is taken to have left it out.'] : []),
  ];
}

function positionIn(body: string): number | undefined {
  try {
    const { position } = JSON.parse(body) as { position?: unknown };
    return Number.isSafeInteger(position) ? (position as number) : undefined;
  } catch {
    return undefined;
  }
}
