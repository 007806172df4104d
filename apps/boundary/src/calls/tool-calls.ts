import { couldUse } from '@bailiwick/authority/matching/could-use';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { catalogName, type Definition } from '../tools/definition';
import type { PinStore } from '../tools/pin-store';
import { quarantineOf, type Quarantine } from '../tools/pins';
import type { ArgumentValidator } from '../tools/validator';
import type { Upstream } from '../upstream/upstream';
import { denialOf, denialText, type Denial } from './answers';
import type { Governed, GovernedRequests } from './governed';
import type { LeaseViews } from './lease-views';
import { toolOperation } from './operations';

/** A call as an agent sent it. */
export interface RequestedCall {
  readonly name: string;
  readonly args: Record<string, unknown>;
  readonly approvalId: string | undefined;
  /** the permit of the request that it continues */
  readonly replaces?: string | undefined;
  readonly onProgress?: ((params: Record<string, unknown>) => void) | undefined;
  readonly send: Governed['send'];
}

/** The answer to a call: the text of a result, or an error of the protocol; and the approval that a denial waits for. */
export type CallAnswer = (
  | { readonly result: string }
  | { readonly error: { readonly code: number; readonly message: string; readonly data?: unknown } }
) & { readonly approvalId?: string | undefined };

/** The parts that decide, carry out and settle a call. */
export interface CallParts {
  readonly requests: GovernedRequests;
  readonly views: LeaseViews;
  readonly pins: PinStore;
  readonly validator: ArgumentValidator;
}

/** The tool is not listed, and need not exist. */
const UNKNOWN_TOOL = -32602;

/** Lists and calls the tools of upstream servers, for runs. */
export class ToolCalls {
  constructor(private readonly parts: CallParts) {}

  /** Returns the raw definitions of the tools that the lease could ever permit. @throws Refused, UpstreamGone */
  async list(claims: TokenClaims, upstream: Upstream): Promise<string[]> {
    const { views, pins } = this.parts;
    const [view, all, pin] = await Promise.all([
      views.of(claims),
      upstream.tools(),
      pins.find(claims.tenant, upstream.name),
    ]);
    if (!view) return [];
    return all
      .filter((each) => {
        const entry = view.reader.entryOfTool(catalogName(upstream.name, each.name));
        return (
          entry?.verb !== undefined &&
          couldUse(view.limits, entry.verb) &&
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
    const { name, args, approvalId, replaces, onProgress, send } = requested;
    const found = await this.definitionOf(claims, upstream, name);
    if (!('definition' in found)) return found;
    const { problem, fault } = this.parts.validator.problemWith(found.definition, args);
    if (problem !== undefined) return denied({ code: 'ARGUMENTS_INVALID', says: problem });
    if (fault !== undefined) return denied({ code: 'ARGUMENTS_INVALID', says: `The call was not made: ${fault}` });
    const outcome = await this.parts.requests.run(
      claims,
      {
        ...toolOperation(upstream.name, name, args),
        server: upstream.name,
        approvalId,
        replaces,
        onProgress,
        send,
        isCall: true,
      },
      signal,
    );
    if (!outcome) return unknownTool(name);
    if ('denial' in outcome) return denied(outcome.denial);
    return outcome.ok ? { result: outcome.result } : { error: outcome.error };
  }

  private async definitionOf(
    { tenant }: TokenClaims,
    upstream: Upstream,
    name: string,
  ): Promise<{ definition: Definition } | CallAnswer> {
    try {
      const [all, pin] = await Promise.all([upstream.tools(), this.parts.pins.find(tenant, upstream.name)]);
      const definition = all.find((each) => each.name === name);
      if (!definition) return unknownTool(name);
      const why = quarantineOf(definition, all, upstream.identity, pin);
      if (why === undefined) return { definition };
      return denied({ code: 'FORBIDDEN', says: QUARANTINE[why], howToAsk: APPROVING(upstream.name) });
    } catch (error) {
      return denied(denialOf(error, 'call'));
    }
  }
}

const denied = (denial: Denial): CallAnswer => ({ result: denialText(denial), approvalId: denial.approvalId });
const unknownTool = (name: string): CallAnswer => ({
  error: { code: UNKNOWN_TOOL, message: `Unknown tool: ${name.slice(0, 128)}` },
});

const APPROVING = (server: string): string =>
  `An administrator compares it with \`bailiwick mcp diff ${server}\` and approves it with \`bailiwick mcp approve ${server}\`.`;
const QUARANTINE: Readonly<Record<Quarantine, string>> = {
  'new-server': 'The call was not made: no administrator has approved the tools of this server.',
  'new-tool': 'The call was not made: the tool is new, and no administrator has approved it.',
  changed: 'The call was not made: the definition of the tool has changed since it was approved.',
  shadows: 'The call was not made: the server has several tools whose names a policy does not distinguish.',
  unusable: 'The call was not made: the definition of the tool is not usable.',
};
