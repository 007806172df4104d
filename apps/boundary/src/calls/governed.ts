import type { ActionAnswer, OutcomeRequest } from '@bailiwick/contracts/actions/action';
import { REPORT_OUTCOME } from '@bailiwick/contracts/obligations/obligation';
import { canonicalDigest, sha256hex } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { Logger } from '@bailiwick/platform/logging';
import { LRUCache } from 'lru-cache';
import { BOUNDARY_LIMITS } from '../limits';
import { NotReached, type RequestOptions, type UpstreamAnswer } from '../upstream/connection';
import { denialOf, type Denial } from './answers';
import type { Decisions } from './decisions';
import { REVOKED, STOPPING, type LiveLeases } from './live-leases';
import type { Operation } from './operations';
import { passedOn, progressUnder } from './passed-on';

/** A request of an agent that must be decided before it is sent. */
export interface Governed extends Operation {
  readonly server: string;
  readonly approvalId: string | undefined;
  readonly onProgress?: ((params: Record<string, unknown>) => void) | undefined;
  /** sends it upstream; called once, and only if it is permitted */
  readonly send: (options: GovernedOptions) => Promise<UpstreamAnswer | Suspended>;
  /** its result has the form of results of tools, from which fields can be removed */
  readonly isCall: boolean;
}

export interface GovernedOptions extends RequestOptions {
  /** fields must be removed from the result */
  readonly isReduced: boolean;
}

/** A request that needs input of its client before it can be answered. Its permit is held until then. */
export interface Suspended {
  /** the text of the result that asks for the input */
  readonly suspended: string;
  hold(permit: HeldPermit): void;
}

/** A permit without an outcome, of a request that is in flight. */
export interface HeldPermit {
  /** aborted when the lease ends */
  readonly lease: AbortSignal;
  /** Reports its outcome. `replaced`: the request is decided again, and the next permit is charged in place of this one. */
  end(how: 'replaced' | 'in-doubt'): Promise<void>;
}

/** What came of a request; `undefined`: the catalog has no entry that names its operation. */
export type Outcome = UpstreamAnswer | { readonly denial: Denial } | undefined;

/** Decides requests, carries out the permitted ones, and reports one outcome for each permit. */
export class GovernedRequests {
  /** the approval that a denied request waits for, by lease, operation and arguments */
  private readonly asked = new LRUCache<string, string>({ max: BOUNDARY_LIMITS.approvalsKept });
  private readonly settling = new Set<Promise<void>>();

  constructor(
    private readonly decisions: Decisions,
    private readonly leases: LiveLeases,
    private readonly logger: Logger,
  ) {}

  /** An abort of the signal ends the request, upstream too. */
  async run(claims: TokenClaims, request: Governed, signal: AbortSignal): Promise<Outcome> {
    try {
      return await this.decided(claims, request, signal);
    } catch (error) {
      return { denial: denialOf(error, noun(request)) };
    }
  }

  /** Waits until the outcomes of all requests are reported. */
  async settled(): Promise<void> {
    while (this.settling.size > 0) await Promise.all(this.settling);
  }

  private async decided(claims: TokenClaims, request: Governed, signal: AbortSignal): Promise<Outcome> {
    const { server, tool, args, resource } = request;
    const key = `${claims.grantId}\n${server}\n${tool}\n${canonicalDigest(args)}`;
    const approvalId = request.approvalId ?? this.asked.get(key);
    const decided = await this.decisions.decide(claims, { server, tool, args, resource, approvalId });
    if (!decided) return undefined;
    this.asked.delete(key);
    if (decided.decision === 'permit') return this.carryOut(claims, request, decided, signal);
    const { reasons, approvalId: toAnswer } = decided;
    if (toAnswer === undefined) {
      const says = `The ${noun(request)} was denied, and not made.`;
      return { denial: { code: 'DENIED', says, reasons, howToAsk: ASKING } };
    }
    this.asked.set(key, toAnswer);
    return {
      denial: {
        code: 'APPROVAL_NEEDED',
        says: `A person must approve this exact ${noun(request)} before it is made.`,
        reasons,
        approvalId: toAnswer,
        howToAsk: `Approval ${toAnswer} waits for a person. Once they have approved it, ${request.isCall ? 'call the tool again with the same arguments' : 'repeat the request'}.`,
      },
    };
  }

  private async carryOut(
    claims: TokenClaims,
    request: Governed,
    { actionId, obligations }: ActionAnswer,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const call = new AbortController();
    const unwatch = this.leases.watch(claims.tenant, claims.grantId, call);
    const duties = obligations.filter((each) => each !== REPORT_OUTCOME);
    const onProgress = progressUnder(request.onProgress, duties);
    let outcome: OutcomeRequest | undefined;
    let isHeld = false;
    try {
      const answer = await request.send({
        signal: AbortSignal.any([signal, call.signal]),
        isReduced: duties.length > 0,
        ...(onProgress ? { onProgress } : {}),
      });
      if ('suspended' in answer) {
        isHeld = true;
        answer.hold({
          lease: call.signal,
          end: (how) => {
            unwatch();
            return this.settle(claims, actionId, how === 'replaced' ? REPLACED : IN_DOUBT);
          },
        });
        return { ok: true, result: answer.suspended };
      }
      const passed = passedOn(answer, duties, request.isCall);
      outcome = outcomeOf(answer, passed.ok ? passed.value : duties.length === 0 ? answer : undefined);
      if (passed.ok) return passed.value;
      const says = `The ${noun(request)} was made, and its result is withheld: ${passed.error}.`;
      return { denial: { code: 'RESULT_WITHHELD', says } };
    } catch (error) {
      outcome ??= error instanceof NotReached ? NOT_MADE : IN_DOUBT;
      const why = call.signal.reason as unknown;
      if (why !== REVOKED && why !== STOPPING) throw error;
      const code = why === REVOKED ? 'GRANT_NOT_LIVE' : 'NOT_READY';
      return { denial: { code, says: `The ${noun(request)} was aborted: ${why}.` } };
    } finally {
      if (!isHeld) {
        unwatch();
        void this.settle(claims, actionId, outcome ?? IN_DOUBT);
      }
    }
  }

  /** Reports an outcome without delaying the answer. */
  private settle(claims: TokenClaims, actionId: string, outcome: OutcomeRequest): Promise<void> {
    const done = this.decisions
      .settle(claims, actionId, outcome)
      .catch((error: unknown) => this.logger.warn({ err: error, actionId }, 'an outcome was not reported'))
      .finally(() => this.settling.delete(done));
    this.settling.add(done);
    return done;
  }
}

const noun = ({ isCall }: Governed) => (isCall ? 'call' : 'request');

const NOT_MADE: OutcomeRequest = { status: 'failed' };
const REPLACED: OutcomeRequest = { status: 'failed', preview: 'the client was asked for input; decided again' };
/**
 * A call that was sent and has no answer may have been made: it is charged, and ends what ends with it. Otherwise an agent
 * could go away just after a call, and be given its cost back.
 */
const IN_DOUBT: OutcomeRequest = { status: 'completed', preview: 'no answer; the call may have been made' };

/** @param shown what the preview may have of the answer */
function outcomeOf(answer: UpstreamAnswer, shown: UpstreamAnswer | undefined): OutcomeRequest {
  const text = textOf(answer);
  const failed = !answer.ok || (JSON.parse(text) as { isError?: unknown }).isError === true;
  return {
    status: failed ? 'failed' : 'completed',
    resultDigest: `sha256:${sha256hex(text)}`,
    // cut within a character, half of it would have no form in JSON
    ...(shown && {
      preview: textOf(shown)
        .slice(0, LIMITS.previewLength)
        .replace(/[\ud800-\udbff]$/, ''),
    }),
  };
}

const textOf = (answer: UpstreamAnswer): string => (answer.ok ? answer.result : JSON.stringify(answer.error));

const ASKING =
  'GET /v1/permissions/self states what the run may do; POST /v1/runs/{id}/escalations { want, reason } asks a person for more.';
