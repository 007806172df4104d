import { ToolMessage, type ToolCall } from '@langchain/core/messages/tool';
import type { RunnableConfig } from '@langchain/core/runnables';
import { tool, type StructuredToolInterface } from '@langchain/core/tools';
import type { InferInteropZodOutput, InteropZodObject } from '@langchain/core/utils/types';
import { createMiddleware } from 'langchain';
import { DeniedError, GuardError } from './errors';
import { ProblemError } from './http/problem-error';
import { isSubagent, subagentOf } from './guarding/subagents';
import { ruleFor } from './guarding/tool-rule-for';
import { leaseOf, type Args, type ChildRequest, type Guards, type Run, type ToolRules } from './run';

interface Invokable {
  readonly name: string;
  invoke(call: ToolCall, config?: RunnableConfig): Promise<unknown>;
}

/**
 * A middleware for `createAgent` of LangChain. It decides a call where its tool is invoked, on the arguments that the
 * tool gets, also if another middleware has changed them or repeats the call. A denied call is a ToolMessage with the
 * status `error`, and so is that of a tool without a rule. With a tool that runs at the provider of the model, no model is
 * called.
 */
export function bailiwickMiddleware(guards: Guards, rules: ToolRules) {
  return createMiddleware({
    name: 'Bailiwick',
    wrapModelCall: (request, handler) => {
      const hosted = request.tools.find((each) => typeof (each as Partial<Invokable>).invoke !== 'function');
      if (hosted)
        throw new Error(`the tool ${nameOf(hosted)} runs at the provider of the model, and cannot be guarded`);
      return handler(request);
    },
    wrapToolCall: async (request, handler) => {
      const { toolCall } = request;
      try {
        if (isSubagent(request.tool)) return await handler(request);
        ruleFor(rules, toolCall.name);
        // the handler would look a tool up by a name that another middleware may have changed
        if (request.tool === undefined) throw notRegistered(toolCall.name);
        const guarded = guardInvoke(guards, request.tool as unknown as Invokable, rules);
        return await handler({ ...request, tool: guarded as unknown as typeof request.tool });
      } catch (error) {
        return refusal(error, toolCall);
      }
    },
  });
}

const nameOf = ({ name, type }: { readonly name?: unknown; readonly type?: unknown }): string => String(name ?? type);

const notRegistered = (name: string): DeniedError =>
  new DeniedError([
    { rule: 'tool', outcome: 'deny', code: 'TOOL_NOT_REGISTERED', message: `the agent has no tool ${name}` },
  ]);

/** @throws what is no refusal */
function refusal(
  error: unknown,
  { id, name }: { readonly id?: string | undefined; readonly name: string },
): ToolMessage {
  const found = causeOf(error);
  if (!found) throw error;
  const { code, message, reasons } = found;
  return new ToolMessage({
    content: message,
    name,
    tool_call_id: id ?? '',
    status: 'error',
    artifact: { code, reasons },
  });
}

/** Other middlewares wrap errors. */
function causeOf(error: unknown): GuardError | ProblemError | undefined {
  for (let each = error, depth = 0; each instanceof Error && depth < 10; each = each.cause, depth++)
    if (each instanceof GuardError || each instanceof ProblemError) return each;
  return undefined;
}

function guardInvoke(guards: Guards, original: Invokable, rules: ToolRules): Invokable {
  const invoke = (given: ToolCall, config: RunnableConfig = {}): Promise<unknown> => {
    const call = { ...given };
    const rule = ruleFor(rules, original.name);
    const guarded = guards.guard({
      ...rule,
      name: original.name,
      outcome: (result) => ({ ...rule.outcome?.(result), ...(isFailure(result) ? { status: 'failed' as const } : {}) }),
      run: (args, { signal }) => original.invoke({ ...call, args: { ...args } }, { ...config, signal }),
    });
    return guarded(call.args as Args, { signal: config.signal, callId: call.id });
  };
  return Object.create(original, { invoke: { value: invoke } }) as Invokable;
}

const isFailure = (result: unknown): boolean => ToolMessage.isInstance(result) && result.status === 'error';

/** A subagent as a tool. */
export interface Subagent<S extends InteropZodObject> extends Omit<ChildRequest, 'task'> {
  readonly name: string;
  readonly description: string;
  readonly schema: S;
  /** the task of the child, from the input of the tool */
  readonly task: (input: InferInteropZodOutput<S>) => string;
  /** the tools of the child */
  readonly rules: ToolRules;
}

/**
 * Makes a tool that starts a subagent. Each call gets a child lease, for the verbs of `rules` only unless `grant` states
 * another one, and `work` gets the middleware for the child; the lease ends with the call. The tool itself needs no rule:
 * the delegation is decided.
 */
export function subagentTool<S extends InteropZodObject>(
  run: Run,
  { name, description, schema, task, rules, ...child }: Subagent<S>,
  work: (
    input: InferInteropZodOutput<S>,
    child: {
      readonly middleware: ReturnType<typeof bailiwickMiddleware>;
      readonly signal: AbortSignal;
      readonly run: Run;
    },
  ) => Promise<string>,
): StructuredToolInterface {
  const made = tool(
    (input: InferInteropZodOutput<S>) =>
      run.subagent({ grant: leaseOf(rules), ...child, task: task(input) }, (started) =>
        work(input, { run: started, middleware: bailiwickMiddleware(started, rules), signal: started.signal }),
      ),
    { name, description, schema },
  );
  return subagentOf(made);
}
