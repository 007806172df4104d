import type { ActionAnswer, ActionRequest, OutcomeRequest, Resource } from '@bailiwick/contracts/actions/action';
import { canonicalDigest } from '@bailiwick/core/digest';
import { DeniedError } from '../errors';
import type { ApprovalWait } from './approvals';
import type { TraceHeaders } from './telemetry';

export type Args = Readonly<Record<string, unknown>>;
type Of<A, T> = T | ((args: A) => T);

/** Maps the calls of a tool to actions: the verb, and where its resource and its cost are in the arguments. */
export interface ToolRule<A = Args, R = unknown> {
  readonly verb: string;
  readonly resource: Of<A, Resource>;
  readonly effect?: ActionRequest['action']['effect'];
  readonly risk?: ActionRequest['action']['risk'];
  /** minor units by currency */
  readonly cost?: Of<A, NonNullable<ActionRequest['cost']>>;
  readonly units?: Of<A, NonNullable<ActionRequest['units']>>;
  readonly labels?: Of<A, NonNullable<ActionRequest['labels']>>;
  /** the address of a tool that verifies a token of the call */
  readonly audience?: string;
  /** the obligations that `apply` fulfills; none unless stated. A permit with any other is a denial */
  readonly understands?: readonly string[];
  /** applies the obligations of the permit to the result, before the caller has it */
  readonly apply?: (result: R, obligations: ActionAnswer['obligations']) => R | Promise<R>;
  /** what is reported in addition to the digest of the result; `status: 'failed'` for a result that states an error */
  readonly outcome?: (result: R) => Partial<OutcomeRequest>;
  /**
   * states digests of the values of arguments and results, for rules that follow the flow of data; `false` unless stated.
   * What a run states makes such a rule stricter, and never milder
   */
  readonly values?: boolean;
  /** whether calls that need approval wait for it; `false` unless stated */
  readonly approval?: ApprovalWait;
}

/** The rules of several tools, by their names. A tool without a rule is denied. */
// each tool has its own arguments and result
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type ToolRules = Readonly<Record<string, ToolRule<any, any>>>;

/** What a tool gets with a permitted call. It has no token of the run. */
export interface CallContext {
  /** fires when the lease is revoked, suspended or about to expire, and when the caller aborts */
  readonly signal: AbortSignal;
  readonly actionId: string;
  /** the token of this one call, if the rule has `audience` */
  readonly actionToken?: string;
  readonly obligations: ActionAnswer['obligations'];
  /** to pass on to what the tool calls */
  readonly trace: TraceHeaders;
}

export interface GuardedTool<A = Args, R = unknown> extends ToolRule<A, R> {
  readonly name: string;
  readonly run: (args: A, context: CallContext) => R | Promise<R>;
}

/** How one call is made. */
export interface CallHow {
  readonly signal?: AbortSignal | undefined;
  /** the id of the call in the framework, for the span */
  readonly callId?: string | undefined;
  /** the trace context of the caller, if no span of OpenTelemetry is active */
  readonly trace?: TraceHeaders;
}

export type Guarded<A, R> = (args: A, how?: CallHow) => Promise<R>;
/** Guards tools: a run, or one that is delegated on first use. */
export interface Guards {
  guard<A = Args, R = unknown>(tool: GuardedTool<A, R>): Guarded<A, R>;
}

const valueOf = <A, T>(of: Of<A, T>, args: A): T => (typeof of === 'function' ? (of as (args: A) => T)(args) : of);

/** A request for the decision of a call, without its lease, and the digest by which the same call is recognized. */
interface Described {
  readonly request: Omit<ActionRequest, 'grantId'>;
  readonly digest: string;
}

/** Describes a call of a tool by its rule. @throws DeniedError RULE_FAILED if the rule cannot */
export function describe<A, R>(tool: GuardedTool<A, R>, args: A): Described {
  try {
    const request = asJson(requestOf(tool, args));
    return { request, digest: canonicalDigest(request) };
  } catch (error) {
    const message = `the rule of the tool ${tool.name} cannot describe the call: ${String(error).slice(0, 200)}`;
    throw new DeniedError([{ rule: 'tool', outcome: 'deny', code: 'RULE_FAILED', message }]);
  }
}

function requestOf<A, R>(tool: GuardedTool<A, R>, args: A): Described['request'] {
  const { name, verb, resource, effect, risk, cost, units, labels, audience, values } = tool;
  const of = structuredClone(args); // the functions of the rule may change what they get
  return {
    action: {
      verb,
      tool: name,
      args: asJson(args ?? {}),
      ...(effect && { effect }),
      ...(risk && { risk }),
      ...(values === true && { values }),
    },
    resource: valueOf(resource, of),
    ...(cost && { cost: valueOf(cost, of) }),
    ...(units && { units: valueOf(units, of) }),
    ...(labels && { labels: valueOf(labels, of) }),
    ...(audience === undefined ? {} : { token: { audience } }),
    understands: [...(tool.understands ?? [])] as NonNullable<ActionRequest['understands']>,
  };
}

const asJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
