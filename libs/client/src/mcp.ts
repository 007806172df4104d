import { GuardError, DeniedError, ApprovalNeededError } from './errors';
import type { Args, CallHow, Guards, ToolRules, TraceHeaders } from './run';
import { ruleFor } from './guarding/tool-rule-for';

interface CallParams {
  readonly name: string;
  readonly arguments?: Record<string, unknown> | undefined;
  readonly _meta?: Record<string, unknown> | undefined;
}
interface Listed {
  readonly tools: readonly { readonly name: string }[];
}
/** The part of a client of MCP that both lines of the SDK have: `@modelcontextprotocol/sdk` 1 and `/client` 2. */
export interface McpClient {
  callTool(params: never, ...rest: never[]): Promise<unknown>;
  listTools(...params: never[]): Promise<unknown>;
  close(): Promise<void>;
}
export interface McpOptions {
  readonly rules: ToolRules;
  /** the trace context of the caller, if no span of OpenTelemetry is active */
  readonly trace?: TraceHeaders;
}
/** `callTool` and `listTools` as the client has them, and nothing that reaches a tool in another way. */
export type GuardedMcpClient<C extends McpClient> = Pick<C, 'callTool' | 'listTools' | 'close'>;

/**
 * Guards a connected client of MCP. A denied call is a result with `isError`, as the boundary answers it; a tool without
 * a rule is not listed, and its calls are denied. Agents get the guarded client only.
 */
export function guardClient<C extends McpClient>(
  guards: Guards,
  client: C,
  { rules, trace }: McpOptions,
): GuardedMcpClient<C> {
  const raw = client as unknown as {
    callTool(params: CallParams, ...rest: unknown[]): Promise<Result>;
    listTools(...params: unknown[]): Promise<Listed>;
  };
  // in line 1 the schema of the result comes before the options
  const place = 'getProtocolEra' in client ? 0 : 1;
  const callTool = async (given: CallParams, ...rest: unknown[]): Promise<Result> => {
    const params = { ...given }; // the caller may change the name during the decision
    const options = (rest[place] ?? {}) as { signal?: AbortSignal };
    const how: CallHow = { signal: options.signal, ...(trace ? { trace } : {}) };
    try {
      const rule = ruleFor<Result>(rules, params.name);
      const guarded = guards.guard<Args, Result>({
        ...rule,
        outcome: (result) => ({ ...rule.outcome?.(result), ...(result.isError ? { status: 'failed' as const } : {}) }),
        name: params.name,
        run: (args, { signal, trace: headers }) => {
          const meta = { ...params._meta, ...headers };
          const sent = { ...params, arguments: { ...args }, ...(Object.keys(meta).length > 0 ? { _meta: meta } : {}) };
          const more = [...rest];
          more[place] = { ...options, signal };
          return raw.callTool(sent, ...more);
        },
      });
      return await guarded(params.arguments ?? {}, how);
    } catch (error) {
      if (error instanceof GuardError) return refusal(error);
      throw error;
    }
  };
  const listTools = async (...params: unknown[]): Promise<Listed> => {
    const listed = await raw.listTools(...params);
    return { ...listed, tools: listed.tools.filter(({ name }) => Object.hasOwn(rules, name)) };
  };
  return { callTool, listTools, close: () => client.close() };
}

interface Result {
  readonly isError?: boolean | undefined;
  readonly content?: unknown;
  readonly structuredContent?: unknown;
}

function refusal(error: GuardError): Result {
  const { code, message, reasons } = error;
  const asking = error instanceof ApprovalNeededError ? { approvalId: error.approvalId, howToAsk: HOW_TO_ASK } : {};
  const action = error instanceof DeniedError && error.actionId !== undefined ? { actionId: error.actionId } : {};
  return {
    isError: true,
    content: [{ type: 'text', text: message }],
    structuredContent: { code, reasons, ...action, ...asking },
  };
}
const HOW_TO_ASK = 'A person must approve the call; make the same call again afterwards.';
