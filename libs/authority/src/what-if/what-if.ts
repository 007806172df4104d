import type { Event } from '@bailiwick/contracts/events/event';
import { LIMITS } from '@bailiwick/core/limits';
import type { Change, ReplayAnswer, ReplayRequest } from '@bailiwick/contracts/replay/replay';
import type { Rules } from '../commands/types';
import { evolveUnasked } from '../events/evolve';
import { isPassedOver } from '../state/set-aside';
import type { LogState } from '../state/state';
import { evolveStored } from '../state/stored';
import type { Candidate } from './candidate';
import { NamedRules, type UnknownRule } from './named-rules';
import { RecordedPolicies } from './recorded-policies';
import { Shadow } from './shadow';
import { Tally } from './tally';
import { UnderCandidate } from './under-candidate';

/**
 * Decides the recorded actions of a log, or of one of its trees, again under a change. It takes the events in order, a
 * few at a time, and keeps only its state and one page of differences, whatever the length of the log.
 */
export class WhatIf {
  private readonly tally: Tally;
  private readonly first: number;
  private readonly last: number;
  private shadow: Shadow | undefined;
  /** the events so far of a command that is not complete */
  private pending: Event[] = [];
  private seen = -1;
  private unreadable = 0;
  /** the policies by which the calls were decided; the caller adds those that are not among the events */
  readonly recorded: RecordedPolicies;
  private readonly under: UnderCandidate | undefined;
  private readonly named: NamedRules;

  /**
   * @param state the log's state before the first event that will follow: empty, or from a snapshot not after `from`
   * @param rules with the trajectory judged as under the change
   * @param candidate the policy that decides; left out: those in force when the calls were decided
   */
  constructor(
    private readonly state: LogState,
    private readonly request: ReplayRequest,
    private readonly rules: Rules,
    private readonly candidate?: Candidate,
  ) {
    this.recorded = new RecordedPolicies(rules.catalog);
    this.under = candidate && new UnderCandidate(candidate, this.recorded);
    this.named = new NamedRules(Object.keys(request.change.policy?.sequences ?? {}));
    this.first = request.from ?? 0;
    this.last = request.to ?? Infinity;
    this.tally = new Tally(request.after ?? -1, request.limit ?? LIMITS.replayPageDefault);
  }

  /** @throws CorruptLog if the events contradict each other */
  take(event: Event): void {
    if (event.position > this.last) return;
    this.seen = event.position;
    this.recorded.take(event);
    const [before] = this.pending;
    if (before && before.commandId !== event.commandId) this.flush();
    this.pending.push(event);
  }

  /**
   * Handles a stored event that cannot be read. Like every fold of the log (I11) it sets the event aside with the tree
   * that it names, and no later action of that tree is decided again.
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

  /** Returns the result, once all events were given. */
  end(): ReplayAnswer {
    this.flush();
    const { log } = this.state;
    const assumes = [
      ...assumptions(this.request.change, this.unreadable),
      ...(this.under ? underCandidate(this.under.inexact) : []),
    ];
    const policy = this.candidate && { digest: this.candidate.digest };
    return {
      log,
      from: this.first,
      to: this.seen,
      ...this.tally.summary(),
      ...(policy ? { policy } : {}),
      assumes,
    };
  }

  /** Returns a rule that the change names and that was not in force at any position to which it applies. */
  unknownRule(): UnknownRule | undefined {
    this.named.inForce((this.shadow?.state.policies ?? this.candidate ?? this.state.policies).rules);
    return this.named.unknown();
  }

  private flush(): void {
    const events = this.pending;
    this.pending = [];
    const [begin] = events;
    if (!begin) return;
    const isAside = events.some((event) => isPassedOver(this.state, event));
    if (begin.position >= this.first && !isAside) {
      this.shadow ??= new Shadow(this.state, this.request.change, this.rules, this.tally, this.under);
      this.named.inForce(this.shadow.state.policies.rules);
      this.shadow.take(events);
      return;
    }
    for (const event of events) {
      this.state.next = event.position; // the events of one tree have gaps
      evolveUnasked(this.state, event);
    }
  }
}

/** Lists the assumptions about facts that the log does not record. */
function assumptions({ grant, policy, drift }: Change, unreadable: number): string[] {
  const grants = grant !== undefined || policy?.approvalFrom !== undefined || policy?.ceiling !== undefined;
  return [
    ...(unreadable > 0
      ? [
          `Stored events that cannot be read (${unreadable}) are passed over, and so are later events of the trees that they name.`,
        ]
      : []),
    'Requests of agents, answers of people and scores of the monitor are used as recorded; the reaction of an agent to a different answer is unknown.',
    'A call that would have been denied, or would have needed approval, counts as not made: it spends nothing, and its outcome, its labels and the calls inside it are omitted.',
    'A call that was denied and would have been permitted is assumed to have cost its reservation; later consequences are unknown.',
    'A recorded approval stays valid for exactly its call; a call that would have needed an approval without a recorded one counts as not made.',
    ...(grants || drift || policy?.defaults
      ? [
          'The log records the limits of a lease, not its request: a limit of a child that equals its parent’s is assumed to have been left out of the request, and takes the parent’s limit under the change.',
          'Leases that people approved are assumed to be approved under the change, too.',
        ]
      : []),
    ...(policy?.defaults
      ? ['A limit of a root lease that equals the default is assumed to have been left out of the request.']
      : []),
  ];
}

/** Lists what the records of calls do not show of what a policy reads. */
const underCandidate = (inexact: number): string[] => [
  'Calls are classified again from their records, in which a verb has lost its capitals. Arguments are not recorded, so templates of a catalog are not read.',
  'What a caller stated in addition to the catalog is kept; what both stated counts as stated by the catalog alone.',
  ...(inexact > 0
    ? [
        `The record of ${inexact} calls does not show what the caller stated, or their policy is not known: they count as recorded and as the candidate classifies them.`,
      ]
    : []),
];

function positionIn(body: string): number | undefined {
  try {
    const { position } = JSON.parse(body) as { position?: unknown };
    return Number.isSafeInteger(position) ? (position as number) : undefined;
  } catch {
    return undefined;
  }
}
