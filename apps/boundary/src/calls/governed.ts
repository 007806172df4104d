import { canonicalDigest, sha256hex } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { membersOf } from '../json-text';
import { catalogName } from '../tools/definition';
import { NotReached, TooManyValues, type RequestOptions, type UpstreamAnswer } from '../upstream/connection';
import { denialOf, type Denial } from './answers';
import type { CallOutcome } from './decisions';
import { IN_DOUBT, NOT_MADE, PermittedCall, type GuardedCall, type GuardedCalls } from './guarded-calls';
import type { Operation } from './operations';
import { passedOn, progressUnder } from './passed-on';
import { valuesOfResult } from './result-values';

/** A request of an agent that must be decided before it is sent. */
export interface Governed extends Operation {
  readonly server: string;
  readonly approvalId: string | undefined;
  /** the permit under which it was sent before: it is in flight, and continued */
  readonly replaces?: string | undefined;
  readonly onProgress?: ((params: Record<string, unknown>) => void) | undefined;
  /** sends it upstream; called once, and only if it is permitted */
  readonly send: (options: GovernedOptions) => Promise<UpstreamAnswer | Suspended>;
  /** its result has the form of results of tools, from which fields can be removed */
  readonly isCall: boolean;
}

/** Refusals that state nothing about the request. */
const MAY_PASS: ReadonlySet<string> = new Set(['NOT_READY', 'TOO_MANY', 'INTERNAL']);

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
  readonly actionId: string;
  /** aborted when the lease ends */
  readonly lease: AbortSignal;
  /** Takes note that the next permit is charged in place of this one. The request stays watched until `end`. */
  replaced(): void;
  /** Ends it: without an answer, unless it was replaced. The request may have been carried out, and is charged. */
  end(): Promise<void>;
}

/** What came of a request; `undefined`: the catalog has no entry that names its operation. */
export type Outcome = UpstreamAnswer | { readonly denial: Denial } | undefined;

/** Sends permitted requests to MCP servers, and reports what came of each. */
export class GovernedRequests {
  constructor(private readonly calls: GuardedCalls) {}

  /** An abort of the signal ends the request, upstream too. */
  async run(claims: TokenClaims, request: Governed, signal: AbortSignal): Promise<Outcome> {
    try {
      const permit = await this.calls.begin(claims, callOf(request), signal);
      if (permit === undefined) return undefined;
      return permit instanceof PermittedCall ? await carryOut(request, permit) : { denial: permit };
    } catch (error) {
      return { denial: denialOf(error, noun(request)) };
    }
  }

  /**
   * Reports whether a request would be permitted now, without a permit: nothing is charged, and no person is asked.
   * @returns undefined if it cannot be decided now
   */
  wouldPermit(claims: TokenClaims, request: Omit<Governed, 'send'>): Promise<boolean | undefined> {
    // no caller waits for the answer: no error may escape
    return this.calls
      .wouldPermit(claims, callOf(request))
      .catch((error: unknown) => (error instanceof Refused && !MAY_PASS.has(error.code) ? false : undefined));
  }

  /** Waits until the outcomes of all requests are reported. */
  settled(): Promise<void> {
    return this.calls.settled();
  }
}

function callOf(request: Omit<Governed, 'send'>): GuardedCall {
  const { server, args, resource, approvalId, replaces, isCall } = request;
  const read = { tool: catalogName(server, request.tool), args, resource };
  return {
    key: `${server}\n${request.tool}\n${canonicalDigest(args)}`,
    read: (reader) => (reader.entryOfTool(read.tool) ? read : undefined),
    approvalId,
    replaces,
    words: {
      noun: noun(request),
      again: isCall ? 'call the tool again with the same arguments' : 'repeat the request',
    },
  };
}

async function carryOut(request: Governed, permit: PermittedCall): Promise<Outcome> {
  const { duties, signal, lease } = permit;
  const onProgress = progressUnder(request.onProgress, duties);
  let outcome: CallOutcome | undefined;
  let isHeld = false;
  try {
    const answer = await request.send({ signal, isReduced: duties.length > 0, ...(onProgress ? { onProgress } : {}) });
    if ('suspended' in answer) {
      isHeld = true;
      const { actionId } = permit;
      answer.hold({ actionId, lease, replaced: () => permit.replaced(), end: () => permit.end(IN_DOUBT) });
      return { ok: true, result: answer.suspended };
    }
    const passed = passedOn(answer, duties, request.isCall);
    outcome = outcomeOf(answer, passed.ok ? passed.value : duties.length === 0 ? answer : undefined);
    if (passed.ok) return passed.value;
    return withheld(request, passed.error);
  } catch (error) {
    if (error instanceof TooManyValues) {
      outcome = { status: 'completed', preview: error.message };
      return withheld(request, error.message);
    }
    outcome ??= error instanceof NotReached && request.replaces === undefined ? NOT_MADE : IN_DOUBT;
    const why = permit.endedBy;
    if (why === undefined) throw error;
    return { denial: { code: why.code, says: `The ${noun(request)} was aborted: ${why.says}.` } };
  } finally {
    if (!isHeld) void permit.end(outcome ?? IN_DOUBT);
  }
}

const withheld = (request: Governed, why: string): Outcome => ({
  denial: { code: 'RESULT_WITHHELD', says: `The ${noun(request)} was made, and its result is withheld: ${why}.` },
});

const noun = ({ isCall }: Pick<Governed, 'isCall'>) => (isCall ? 'call' : 'request');

/** @param shown what the preview may have of the answer */
function outcomeOf(answer: UpstreamAnswer, shown: UpstreamAnswer | undefined): CallOutcome {
  const text = textOf(answer);
  const failed = answer.ok ? isFailure(text) : answer.mayBeMade !== true;
  return {
    status: failed ? 'failed' : 'completed',
    resultDigest: `sha256:${sha256hex(text)}`,
    ...valuesOf(shown),
    // cut within a character, half of it would have no form in JSON
    ...(shown && {
      preview: textOf(shown)
        .slice(0, LIMITS.previewLength)
        .replace(/[\ud800-\udbff]$/, ''),
    }),
  };
}

const isFailure = (result: string): boolean => membersOf(result)?.get('isError') === 'true';

/** Digests of the values of what the agent gets: none if it gets nothing. */
function valuesOf(shown: UpstreamAnswer | undefined): Pick<CallOutcome, 'values'> {
  const values = shown === undefined ? [] : valuesOfResult(textOf(shown));
  return values === undefined ? {} : { values };
}

const textOf = (answer: UpstreamAnswer): string => (answer.ok ? answer.result : JSON.stringify(answer.error));
