import { couldUse } from '@bailiwick/authority/matching/could-use';
import type { ActionAnswer, OutcomeRequest } from '@bailiwick/contracts/actions/action';
import { REPORT_OUTCOME } from '@bailiwick/contracts/obligations/obligation';
import type { PermissionsView } from '@bailiwick/contracts/queries/permissions';
import { canonicalDigest, sha256hex } from '@bailiwick/core/digest';
import { logName, logNumberOf } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import type { OwnerClient } from '@bailiwick/edge/owners/owner-client';
import type { PolicyReaders } from '@bailiwick/edge/policy-readers';
import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { Logger } from '@bailiwick/platform/logging';
import { LRUCache } from 'lru-cache';
import { BOUNDARY_LIMITS } from '../limits';
import { catalogName, type Definition } from '../tools/definition';
import type { PinStore } from '../tools/pin-store';
import { quarantineOf, type Quarantine } from '../tools/pins';
import type { ArgumentValidator } from '../tools/validator';
import { NotReached, UpstreamGone, type UpstreamAnswer } from '../upstream/connection';
import type { Upstream } from '../upstream/upstream';
import { denialText, type Denial } from './answers';
import type { Decisions, ToolCall } from './decisions';
import { REVOKED, STOPPING, type LiveLeases } from './live-leases';
import { passedOn, progressUnder } from './passed-on';

/** A call as an agent sent it. */
export interface RequestedCall {
  readonly name: string;
  readonly args: Record<string, unknown>;
  /** all params as they were sent, without what is for the boundary only */
  readonly params: Record<string, unknown>;
  readonly approvalId: string | undefined;
  readonly onProgress?: ((params: Record<string, unknown>) => void) | undefined;
}

/** The answer to a call: the text of a result, or an error of the protocol. */
export type CallAnswer =
  | { readonly result: string }
  | { readonly error: { readonly code: number; readonly message: string; readonly data?: unknown } };

/** The parts that decide, carry out and settle a call. */
export interface CallParts {
  readonly owners: Pick<OwnerClient, 'query'>;
  readonly readers: PolicyReaders;
  readonly decisions: Decisions;
  readonly leases: LiveLeases;
  readonly pins: PinStore;
  readonly validator: ArgumentValidator;
  readonly logger: Logger;
}

/** The tool is not listed, and need not exist. */
const UNKNOWN_TOOL = -32602;

/** Lists and calls the tools of upstream servers, for runs. */
export class ToolCalls {
  /** the approval that a denied call waits for, by run, tool and arguments */
  private readonly asked = new LRUCache<string, string>({ max: BOUNDARY_LIMITS.approvalsKept });
  private readonly settling = new Set<Promise<void>>();

  constructor(private readonly parts: CallParts) {}

  /** Returns the raw definitions of the tools that the lease could ever permit. @throws Refused, UpstreamGone */
  async list(claims: TokenClaims, upstream: Upstream): Promise<string[]> {
    const { owners, readers, pins } = this.parts;
    const log = logName(claims.tenant, logNumberOf(claims.runId) ?? 0);
    const [{ grant }, reader, all, pin] = await Promise.all([
      owners.query<PermissionsView>({ op: 'permissions', log, runId: claims.runId }),
      readers.fetch(log),
      upstream.tools(),
      pins.find(claims.tenant, upstream.name),
    ]);
    if (grant.id !== claims.grantId || grant.status !== 'active') return [];
    return all
      .filter((each) => {
        const entry = reader.entryOfTool(catalogName(upstream.name, each.name));
        return (
          entry?.verb !== undefined &&
          couldUse(grant.limits, entry.verb) &&
          quarantineOf(each, all, upstream.identity, pin) === undefined
        );
      })
      .map(({ raw }) => raw);
  }

  /** Decides a call, and makes it if it is permitted. An abort of the signal ends the call. */
  async call(
    claims: TokenClaims,
    upstream: Upstream,
    requested: RequestedCall,
    signal: AbortSignal,
  ): Promise<CallAnswer> {
    try {
      const found = await this.definitionOf(claims, upstream, requested.name);
      if (!('definition' in found)) return found;
      const { problem, fault } = this.parts.validator.problemWith(found.definition, requested.args);
      if (problem !== undefined) return denied({ code: 'ARGUMENTS_INVALID', says: problem });
      if (fault !== undefined) return denied({ code: 'ARGUMENTS_INVALID', says: `The call was not made: ${fault}` });
      return await this.decided(claims, upstream, requested, signal);
    } catch (error) {
      if (error instanceof UpstreamGone) return denied({ code: 'UPSTREAM_FAILED', says: error.message });
      if (!(error instanceof Refused)) throw error;
      const { code, detail, reasons } = error;
      return denied({ code, says: `The call was not made: ${detail}`, reasons });
    }
  }

  /** Waits until the outcomes of all calls are reported. */
  async settled(): Promise<void> {
    while (this.settling.size > 0) await Promise.all(this.settling);
  }

  private async definitionOf(
    { tenant }: TokenClaims,
    upstream: Upstream,
    name: string,
  ): Promise<{ definition: Definition } | CallAnswer> {
    const [all, pin] = await Promise.all([upstream.tools(), this.parts.pins.find(tenant, upstream.name)]);
    const definition = all.find((each) => each.name === name);
    if (!definition) return unknownTool(name);
    const why = quarantineOf(definition, all, upstream.identity, pin);
    if (why === undefined) return { definition };
    return denied({ code: 'FORBIDDEN', says: QUARANTINE[why], howToAsk: APPROVING(upstream.name) });
  }

  private async decided(
    claims: TokenClaims,
    upstream: Upstream,
    requested: RequestedCall,
    signal: AbortSignal,
  ): Promise<CallAnswer> {
    const { name, args } = requested;
    const key = `${claims.grantId}\n${upstream.name}\n${name}\n${canonicalDigest(args)}`;
    const approvalId = requested.approvalId ?? this.asked.get(key);
    const call: ToolCall = { server: upstream.name, tool: name, args, approvalId };
    const decided = await this.parts.decisions.decide(claims, call);
    if (!decided) return unknownTool(name);
    this.asked.delete(key);
    if (decided.decision === 'permit') return this.carryOut(claims, upstream, requested, decided, signal);
    const { reasons, approvalId: toAnswer } = decided;
    if (toAnswer === undefined)
      return denied({ code: 'DENIED', says: 'The call was denied, and not made.', reasons, howToAsk: ASKING });
    this.asked.set(key, toAnswer);
    return denied({
      code: 'APPROVAL_NEEDED',
      says: 'A person must approve this exact call before it is made.',
      reasons,
      approvalId: toAnswer,
      howToAsk: `Approval ${toAnswer} waits for a person. Once they have approved it, call the tool again with the same arguments.`,
    });
  }

  private async carryOut(
    claims: TokenClaims,
    upstream: Upstream,
    requested: RequestedCall,
    { actionId, obligations }: ActionAnswer,
    signal: AbortSignal,
  ): Promise<CallAnswer> {
    const call = new AbortController();
    const unwatch = this.parts.leases.watch(claims.tenant, claims.grantId, call);
    const duties = obligations.filter((each) => each !== REPORT_OUTCOME);
    const onProgress = progressUnder(requested.onProgress, duties);
    let outcome: OutcomeRequest | undefined;
    try {
      const answer = await upstream.call(requested.params, {
        signal: AbortSignal.any([signal, call.signal]),
        ...(onProgress ? { onProgress } : {}),
      });
      const passed = passedOn(answer, duties);
      outcome = outcomeOf(answer, passed.ok ? passed.value : duties.length === 0 ? answer : undefined);
      if (!passed.ok) return withheld(passed.error);
      return passed.value.ok ? { result: passed.value.result } : { error: passed.value.error };
    } catch (error) {
      outcome ??= error instanceof NotReached ? NOT_MADE : IN_DOUBT;
      const why = call.signal.reason as unknown;
      if (why === REVOKED || why === STOPPING)
        return denied({
          code: why === REVOKED ? 'GRANT_NOT_LIVE' : 'NOT_READY',
          says: `The call was aborted: ${why}.`,
        });
      throw error;
    } finally {
      unwatch();
      this.settle(claims, actionId, outcome ?? IN_DOUBT);
    }
  }

  /** Reports an outcome without delaying the answer. */
  private settle(claims: TokenClaims, actionId: string, outcome: OutcomeRequest): void {
    const done = this.parts.decisions
      .settle(claims, actionId, outcome)
      .catch((error: unknown) => this.parts.logger.warn({ err: error, actionId }, 'an outcome was not reported'))
      .finally(() => this.settling.delete(done));
    this.settling.add(done);
  }
}

const NOT_MADE: OutcomeRequest = { status: 'failed' };
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

const denied = (denial: Denial): CallAnswer => ({ result: denialText(denial) });
const withheld = (why: string): CallAnswer =>
  denied({ code: 'RESULT_WITHHELD', says: `The call was made, and its result is withheld: ${why}.` });
const unknownTool = (name: string): CallAnswer => ({
  error: { code: UNKNOWN_TOOL, message: `Unknown tool: ${name.slice(0, 128)}` },
});

const ASKING =
  'GET /v1/permissions/self states what the run may do; POST /v1/runs/{id}/escalations { want, reason } asks a person for more.';
const APPROVING = (server: string): string =>
  `An administrator compares it with \`bailiwick mcp diff ${server}\` and approves it with \`bailiwick mcp approve ${server}\`.`;
const QUARANTINE: Readonly<Record<Quarantine, string>> = {
  'new-server': 'The call was not made: no administrator has approved the tools of this server.',
  'new-tool': 'The call was not made: the tool is new, and no administrator has approved it.',
  changed: 'The call was not made: the definition of the tool has changed since it was approved.',
  shadows: 'The call was not made: the server has several tools whose names a policy does not distinguish.',
  unusable: 'The call was not made: the definition of the tool is not usable.',
};
