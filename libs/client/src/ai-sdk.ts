import type { FlexibleSchema, Tool, ToolExecutionOptions, ToolSet } from 'ai';
import { isSubagent, subagentOf } from './guarding/subagents';
import { ruleFor } from './guarding/tool-rule-for';
import { leaseOf, type Args, type ChildRequest, type Guards, type Run, type ToolRules } from './run';

/**
 * Guards the tools of the Vercel AI SDK. A denied call throws, so that the model receives the reasons as the error of the
 * tool. A tool without a rule is denied.
 * @throws Error for a tool that has no `execute`: it runs elsewhere, so it cannot be guarded here
 */
export function guardTools<T extends ToolSet>(guards: Guards, tools: T, rules: ToolRules): T {
  const entries = Object.entries(tools).map(([name, tool]) => [name, guardTool(guards, name, tool, rules)]);
  return Object.fromEntries(entries) as T;
}

function guardTool(guards: Guards, name: string, tool: Tool, rules: ToolRules): Tool {
  if (isSubagent(tool)) return tool;
  const { execute } = tool;
  if (!execute) throw new Error(`the tool ${name} has no execute: it runs elsewhere, and cannot be guarded here`);
  return {
    ...tool,
    execute: async (input: Args, options: ToolExecutionOptions): Promise<unknown> => {
      const guarded = guards.guard({
        ...ruleFor(rules, name),
        name,
        run: (args, { signal }) => lastOf(execute.call(tool, args, { ...options, abortSignal: signal }), signal),
      });
      return guarded(input, { signal: options.abortSignal, callId: options.toolCallId });
    },
  };
}

/** Returns the result of a tool; of one that reports its progress, the last report. */
async function lastOf(output: unknown, signal: AbortSignal): Promise<unknown> {
  if (!isIterable(output)) return output;
  let last: unknown;
  for await (const each of output) {
    signal.throwIfAborted(); // ends the tool as well
    last = each;
  }
  return last;
}
const isIterable = (value: unknown): value is AsyncIterable<unknown> =>
  typeof value === 'object' && value !== null && Symbol.asyncIterator in value;

/** A subagent as a tool. */
export interface Subagent<I, T extends ToolSet> extends Omit<ChildRequest, 'task'> {
  readonly description: string;
  readonly inputSchema: FlexibleSchema<I>;
  /** the task of the child, from the input of the tool */
  readonly task: (input: I) => string;
  readonly tools: T;
  readonly rules: ToolRules;
}

/**
 * Makes a tool that starts a subagent. Each call gets a child lease, for the verbs of the child's tools only unless
 * `grant` states another one, and `work` gets the tools guarded by it; the lease ends with the call. The
 * tool itself needs no rule: the delegation is decided.
 */
export function subagentTool<I, T extends ToolSet>(
  run: Run,
  { description, inputSchema, task, tools, rules, ...child }: Subagent<I, T>,
  work: (
    input: I,
    child: { readonly tools: T; readonly abortSignal: AbortSignal; readonly run: Run },
  ) => Promise<string>,
): Tool<I, string> {
  const execute = (input: I, { abortSignal }: ToolExecutionOptions): Promise<string> =>
    run.subagent({ grant: leaseOf(rules), ...child, task: task(input) }, (started) => {
      const { signal } = started;
      return work(input, {
        run: started,
        tools: guardTools(started, tools, rules),
        abortSignal: abortSignal ? AbortSignal.any([signal, abortSignal]) : signal,
      });
    });
  return subagentOf({ description, inputSchema, execute });
}
