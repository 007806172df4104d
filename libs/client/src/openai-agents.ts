import {
  tool,
  type FunctionTool,
  type ToolExecuteArgument,
  type ToolInputParameters,
  type ToolOptions,
} from '@openai/agents';
import { GuardError } from './errors';
import { leaseOf, type ChildRequest, type Guards, type Run, type ToolRule, type ToolRules } from './run';

interface Made {
  readonly name?: string;
  readonly outputSchema?: unknown;
  readonly execute: (input: never, context?: never, details?: never) => unknown;
}
interface Details {
  readonly signal?: AbortSignal;
  readonly toolCall?: { readonly callId?: string };
}

/**
 * Makes a tool as `tool` of the OpenAI Agents SDK does, from the same options and the rule of its calls. The model
 * receives the reasons of a denied call as the result of the tool; a tool with `outputSchema` throws them.
 *
 * Only tools that are made here are guarded: `onlyGuarded` refuses an agent with any other.
 * @throws Error without `name`, since the name is part of each decision
 */
export function guardedTool<P extends ToolInputParameters, Context>(
  guards: Guards,
  rule: ToolRule<ToolExecuteArgument<P>>,
  options: ToolOptions<P, Context>,
): FunctionTool<Context, P> {
  const { name, outputSchema, execute } = options as unknown as Made;
  if (name === undefined) throw new Error('a guarded tool needs a name');
  const call = execute as unknown as (input: unknown, context: unknown, details: Details) => unknown;
  const guardedExecute = async (input: ToolExecuteArgument<P>, context: unknown, details: Details = {}) => {
    const guarded = guards.guard<ToolExecuteArgument<P>>({
      ...rule,
      name,
      run: (args, { signal }) => call(args, context, { ...details, signal }),
    });
    try {
      return await guarded(input, { signal: details.signal, callId: details.toolCall?.callId });
    } catch (error) {
      if (error instanceof GuardError && outputSchema === undefined) return error.message;
      throw error;
    }
  };
  const made = tool<P, Context>({ ...options, execute: guardedExecute });
  GUARDED.add(made);
  return made;
}

/** The part of an agent that states its tools. */
interface WithTools {
  readonly name: string;
  readonly tools: readonly { readonly name: string }[];
  readonly mcpServers: readonly { readonly name: string }[];
}
const GUARDED = new WeakSet<object>();

/**
 * Returns an agent all of whose tools are guarded.
 * @param agents its tools of `asTool`, whose agents are checked themselves
 * @throws Error for hosted tools, servers of MCP and tools of `tool`: connect MCP through the boundary or `guardClient`
 */
export function onlyGuarded<A extends WithTools>(agent: A, agents: readonly object[] = []): A {
  const other = agent.mcpServers[0] ?? agent.tools.find((each) => !GUARDED.has(each) && !agents.includes(each));
  if (other) throw new Error(`the tool ${other.name} of the agent ${agent.name} is not guarded`);
  return agent;
}

/** A child agent: its lease is for the verbs of `rules` only, unless `grant` states another one. */
export interface Subagent extends ChildRequest {
  readonly rules?: ToolRules;
}

/**
 * Makes a child agent, for `handoffs` or `asTool`. Its tools are guarded by a child lease, which is delegated when the
 * first of them is called and ends with the parent's.
 * @param make gets what guards the tools of the child
 */
export function subagent<A>(run: Run, { rules, ...request }: Subagent, make: (guards: Guards) => A): A {
  return make(run.later({ ...(rules ? { grant: leaseOf(rules) } : {}), ...request }));
}
