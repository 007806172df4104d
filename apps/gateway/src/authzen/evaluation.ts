import { z } from 'zod';
import { actionRequest, type ActionAnswer, type ActionRequest } from '@bailiwick/contracts/actions/action';
import { CODES } from '@bailiwick/contracts/error-codes';
import { evaluationBody } from '@bailiwick/contracts/http/bodies';
import { Refused } from '../http/problems/problem';
import { withReasons } from '../presentation/reasons';
import { approvalStated } from './requests/re-evaluation';
import type { Asked } from './requests/denial-bindings';

type Json = Record<string, unknown>;

/** A decision, and its JSON text (`evaluationAnswer`). */
export interface Decision {
  readonly decision: boolean;
  readonly text: string;
}

/** The subject of an evaluation: `grant` and `run` are ours, other types are people if the policy maps them. */
export interface Subject {
  readonly type: string;
  readonly id: string;
}

/** An evaluation read as one of our actions, for the lease that its subject stands for. */
export interface Evaluation {
  readonly subject: Subject;
  readonly request: Omit<ActionRequest, 'grantId'>;
  readonly dryRun: boolean;
  /** as sent, to which a request for access is bound */
  readonly asked: Asked;
  /** the id of the approval that it states, in either form */
  readonly approvalId: string | undefined;
}

export const compiledEvaluation = z.compile(evaluationBody, { strict: true });
const compiledRequest = z.compile(actionRequest.omit({ grantId: true }), { strict: true });

/** Names that mean a dry run in members that are not read. Ignoring them as unknown members would charge the call. */
const MEANS_DRY_RUN = /^dry[-_ ]?run$/i;

/**
 * Reports whether one of these objects has `dryRun: true`: a request, its options, or a context. By AuthZEN an item's
 * context replaces the default context, and with it the request not to be charged: so a dry run that is requested
 * anywhere applies, even if an item states `false`.
 * @throws Refused BAD_REQUEST if the request is unclear; nothing has been charged yet
 * @see AuthZEN Authorization API 1.0 §7.1.1
 */
export function wantsDryRun(...places: readonly unknown[]): boolean {
  const objects = places.filter((place): place is Json => place !== null && typeof place === 'object');
  const misspelled = objects.flatMap((each) => Object.keys(each)).find((name) => isMisspelled(name));
  if (misspelled !== undefined)
    throw new Refused('BAD_REQUEST', `${misspelled} is not supported; request a dry run with dryRun: true`);
  const values = objects.flatMap((each) => (Object.hasOwn(each, 'dryRun') ? [each.dryRun] : []));
  if (values.some((value) => typeof value !== 'boolean'))
    throw new Refused('BAD_REQUEST', 'dryRun must be true or false');
  return values.includes(true);
}

const isMisspelled = (name: string): boolean => name !== 'dryRun' && MEANS_DRY_RUN.test(name);

/**
 * Reads an AuthZEN evaluation.
 * @param dryRun whether the request around it asks for a dry run
 * @throws Refused BAD_REQUEST for anything malformed
 * @see AuthZEN Authorization API 1.0 §5, §6
 */
export function toAction(evaluation: unknown, dryRun = false): Evaluation {
  const parsed = compiledEvaluation.safeParse(evaluation);
  if (!parsed.success) throw malformed(parsed.error);
  const { subject, action, resource, context = {} } = parsed.data;
  const request = compiledRequest.safeParse({
    ...pick(context, ['cost', 'units', 'posture', 'labels', 'parentActionId', 'onBehalfOf', 'understands']),
    ...approvalStated(context),
    action: { ...callOf(action.properties), verb: action.name },
    resource: { type: resource.type, id: resource.id, attributes: comparable(resource.properties) },
  });
  if (!request.success) throw malformed(request.error);
  const own = wantsDryRun(parsed.data, context);
  return {
    subject: { type: subject.type, id: subject.id },
    request: request.data,
    dryRun: dryRun || own,
    asked: { subject, action, resource, context },
    approvalId: request.data.approvalId,
  };
}

/** Reads an evaluation and returns a refusal as a value. */
export function read(evaluation: unknown, dryRun: boolean): Evaluation | Refused {
  try {
    return toAction(evaluation, dryRun);
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
}

/**
 * Merges an item of a batch with the defaults. A member of the item replaces that of the defaults as a whole; only what
 * the member requires is taken from the default if the item lacks it.
 * @see AuthZEN certification scenario 3.2.7
 */
export function withDefaults(defaults: Json, item: Json): Json {
  const merged: Json = { ...defaults, ...item };
  for (const [member, required] of REQUIRED)
    if (isObject(item[member]) && isObject(defaults[member]))
      merged[member] = { ...pick(defaults[member], required), ...item[member] };
  return merged;
}
const REQUIRED = [
  ['subject', ['type', 'id']],
  ['action', ['name']],
  ['resource', ['type', 'id']],
] as const;

const isObject = (value: unknown): value is Json =>
  value !== null && typeof value === 'object' && !Array.isArray(value);

const OF_CALL = ['args', 'argsDigest', 'tool', 'risk', 'effect'];

/** Properties of an action that have no meaning here are its arguments, unless it states them otherwise. */
function callOf(properties: Json | undefined): Json {
  const call = pick(properties, OF_CALL);
  const rest = Object.entries(properties ?? {}).filter(([name]) => !OF_CALL.includes(name));
  return rest.length === 0 || 'args' in call || 'argsDigest' in call
    ? call
    : { ...call, args: Object.fromEntries(rest) };
}

/** The supported members; AuthZEN requires that others are ignored. */
function pick(value: Json | undefined, names: readonly string[]): Json {
  const found: Json = {};
  for (const name of names) if (value && Object.hasOwn(value, name)) found[name] = value[name];
  return found;
}

/**
 * Conditions compare single values and lists of them, so other values are left out. A list of both kinds is kept, and
 * refused as malformed: without a part of it, a condition on all elements could hold.
 */
function comparable(properties: Json | undefined): Json | undefined {
  if (!properties) return undefined;
  const isScalar = (value: unknown): boolean => typeof value !== 'object';
  return Object.fromEntries(
    Object.entries(properties).filter(([, value]) =>
      Array.isArray(value) ? value.length === 0 || value.some(isScalar) : isScalar(value),
    ),
  );
}

function malformed(error: z.ZodError): Refused {
  const issue = error.issues[0];
  return new Refused('BAD_REQUEST', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
}

/** Denies a failed evaluation, with the reason (I11). @see AuthZEN Authorization API 1.0 §7.2.1 */
export function denied({ code, detail }: Refused): Decision {
  const error = { status: CODES[code], message: detail };
  return { decision: false, text: JSON.stringify({ decision: false, context: { code, reason: detail, error } }) };
}

/** @param extra members of the context of a denial */
export function toDecision(answer: ActionAnswer, extra: Json = {}): Decision {
  const { actionId, approvalId, reasons, obligations, expiresAt, remaining, policy } = answer;
  const under = policy === undefined ? {} : { policy };
  const decision = answer.decision === 'permit';
  const more = {
    permit: { obligations, expiresAt, remaining },
    'step-up': { stepUp: { approvalId, expiresAt } },
    deny: {},
  }[answer.decision];
  return {
    decision,
    text: `{"decision":${decision},"context":${withReasons({ actionId, ...more, ...under, ...extra }, reasons)}}`,
  };
}
