import type { ActionAnswer } from '@bailiwick/contracts/actions/action';
import { REPORT_OUTCOME, type AnsweredObligation } from '@bailiwick/contracts/obligations/obligation';
import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { Logger } from '@bailiwick/platform/logging';
import { LRUCache } from 'lru-cache';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import type { Denial } from './answers';
import type { CallOutcome, Decisions, UnreadCall } from './decisions';
import type { LiveLeases, WatchedCall } from './live-leases';
import { reasonOf, type AbortReason } from './abort-reason';

/** A call to decide. */
export interface GuardedCall extends UnreadCall {
  /** the same for the same call: a repeated one uses the approval that it waits for */
  readonly key: string;
  /** for denials; left out: those of a call */
  readonly words?: CallWords | undefined;
}

/** How a denial names a call, and how it is repeated. */
export interface CallWords {
  readonly noun: string;
  readonly again: string;
}
const WORDS: CallWords = { noun: 'call', again: 'repeat exactly the same call' };

/**
 * A call that was sent and has no answer may have been made: it is charged, and ends what ends with it. Otherwise an agent
 * could go away just after a call, and be given its cost back.
 */
export const IN_DOUBT: CallOutcome = { status: 'completed', preview: 'no answer; the call may have been made' };
export const NOT_MADE: CallOutcome = { status: 'failed', values: [] };

/** A permitted call in flight. Its outcome is reported once, by the first `end`, unless it was replaced before. */
export class PermittedCall {
  private ended: Promise<void> | undefined;
  /** aborted when the client goes away, the lease ends, the tool is denied, or the service stops */
  readonly signal: AbortSignal;

  constructor(
    readonly actionId: string,
    /** what the permit obliges to, apart from the report */
    readonly duties: readonly AnsweredObligation[],
    client: AbortSignal,
    private readonly ofLease: AbortController,
    private readonly watched: WatchedCall,
    private readonly report: (outcome: CallOutcome) => Promise<void>,
  ) {
    this.signal = AbortSignal.any([client, this.ofLease.signal]);
  }

  /** Why the boundary itself ended the call: its lease has ended, its tool was denied, or the service stops. */
  get endedBy(): AbortReason | undefined {
    return reasonOf(this.ofLease.signal);
  }

  /** aborted when the lease ends, the tool is denied, or the service stops, and not by the client */
  get lease(): AbortSignal {
    return this.ofLease.signal;
  }

  /** Resolves when the outcome is reported, or could not be; it need not be waited for. */
  end(outcome: CallOutcome): Promise<void> {
    this.watched.end();
    return this.reported(outcome);
  }

  /** Takes note that the permit of the next call has taken the place of this one, so that it has its outcome. */
  replaced(): void {
    this.ended ??= Promise.resolve();
  }

  private reported(outcome: CallOutcome): Promise<void> {
    const why = this.endedBy;
    // its record states that it was aborted, and why
    const aborted =
      why !== undefined && outcome === IN_DOUBT ? { ...outcome, preview: `aborted: ${why.says}` } : outcome;
    return (this.ended ??= this.report(aborted));
  }
}

/** Decides calls, follows those that are permitted, and reports their outcomes. */
export class GuardedCalls {
  /** the approval that a denied call waits for, by lease and call */
  private readonly asked = new LRUCache<string, string>({ max: BOUNDARY_LIMITS.approvalsKept });
  private readonly deciding = new Set<Promise<unknown>>();
  private readonly settling = new Set<Promise<void>>();

  constructor(
    private readonly decisions: Decisions,
    private readonly leases: LiveLeases,
    private readonly logger: Logger,
  ) {}

  /**
   * Decides a call. A permitted one must be ended.
   * @returns undefined if the policy does not name the call
   * @throws Refused with the refusal of the owner, or NOT_READY (I11)
   */
  async begin(
    claims: TokenClaims,
    call: GuardedCall,
    client: AbortSignal,
  ): Promise<PermittedCall | Denial | undefined> {
    const key = `${claims.grantId}\n${call.key}`;
    const approvalId = call.isPartial === true ? undefined : (call.approvalId ?? this.asked.get(key));
    const { noun, again } = call.words ?? WORDS;
    const ofLease = new AbortController();
    const watched = this.leases.watch(claims.tenant, claims.grantId, ofLease);
    let permitted: PermittedCall | undefined;
    try {
      const closed = watched.stopped;
      if (closed !== undefined) throw new Refused('NOT_READY', `the ${noun} was not decided: ${closed.says}`);
      const decided = await this.decide(claims, { ...call, approvalId });
      if (!decided) return undefined;
      this.asked.delete(key);
      if (decided.decision === 'permit') {
        const { actionId, obligations } = decided;
        this.leases.abortUnheard(); // this process may have been stopped while the permit was on its way
        watched.permitted(actionId);
        if (watched.stopped !== undefined) {
          const outcome = call.replaces === undefined ? NOT_MADE : IN_DOUBT; // what it continues was sent before
          void this.settle(claims, actionId, { ...outcome, preview: `not made: ${watched.stopped.says}` });
          return stoppedDenial(noun, watched.stopped);
        }
        const duties = obligations.filter((each) => each !== REPORT_OUTCOME);
        const report = (outcome: CallOutcome): Promise<void> => this.settle(claims, actionId, outcome);
        return (permitted = new PermittedCall(actionId, duties, client, ofLease, watched, report));
      }
      return this.denialOf(decided, key, call, { noun, again });
    } finally {
      if (!permitted) watched.end();
    }
  }

  /** Reports whether a call would be permitted now; nothing comes of it. @throws Refused */
  wouldPermit(claims: TokenClaims, call: GuardedCall): Promise<boolean> {
    return this.decisions.wouldPermit(claims, call);
  }

  private denialOf(
    { reasons, approvalId: toAnswer }: ActionAnswer,
    key: string,
    call: GuardedCall,
    { noun, again }: CallWords,
  ): Denial {
    if (toAnswer === undefined || call.isPartial === true)
      return { code: 'DENIED', says: `The ${noun} was denied, and not made.`, reasons, howToAsk: ASKING };
    this.asked.set(key, toAnswer);
    return {
      code: 'APPROVAL_NEEDED',
      says: `A person must approve this exact ${noun} before it is made.`,
      reasons,
      approvalId: toAnswer,
      howToAsk: `Approval ${toAnswer} waits for a person. Once they have approved it, ${again}.`,
    };
  }

  private decide(claims: TokenClaims, call: UnreadCall): Promise<ActionAnswer | undefined> {
    const decided = this.decisions.decide(claims, call);
    const done = decided.catch(() => undefined).finally(() => this.deciding.delete(done));
    this.deciding.add(done);
    return decided;
  }

  /**
   * Waits until the outcomes of all calls that have ended are reported, also of those that are being decided and then are
   * not made since their leases were closed. What starts or ends afterwards is not waited for.
   */
  async settled(): Promise<void> {
    await Promise.all(this.deciding);
    await Promise.all(this.settling);
  }

  /** Reports an outcome without delaying the answer. */
  private settle(claims: TokenClaims, actionId: string, outcome: CallOutcome): Promise<void> {
    const done = this.decisions
      .settle(claims, actionId, outcome)
      .catch((error: unknown) => this.logger.warn({ err: error, actionId }, 'an outcome was not reported'))
      .finally(() => this.settling.delete(done));
    this.settling.add(done);
    return done;
  }
}

const stoppedDenial = (noun: string, { code, says }: AbortReason): Denial => ({
  code,
  says: `The ${noun} was permitted, and not made: ${says}.`,
});

const ASKING =
  'GET /v1/permissions/self states what the run may do; POST /v1/runs/{id}/escalations { want, reason } asks a person for more.';
