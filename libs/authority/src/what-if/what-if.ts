import type { Event } from '@bailiwick/contracts/event';
import { LIMITS } from '@bailiwick/core/limits';
import type { Change, ReplayAnswer, ReplayRequest } from '@bailiwick/contracts/replay';
import type { Rules } from '../commands/types';
import { evolveUnasked } from '../events/evolve';
import type { LogState } from '../state/state';
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

  /** What came of it, once all events were given. */
  end(): ReplayAnswer {
    this.flush();
    const { log } = this.state;
    return { log, from: this.first, to: this.seen, ...this.tally.told(), assumes: assumptions(this.request.change) };
  }

  private flush(): void {
    const events = this.pending;
    this.pending = [];
    const [begin] = events;
    if (!begin) return;
    if (begin.position >= this.first) {
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
function assumptions({ grant, policy, drift }: Change): string[] {
  const grants = grant !== undefined || policy?.approvalFrom !== undefined || policy?.ceiling !== undefined;
  return [
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
