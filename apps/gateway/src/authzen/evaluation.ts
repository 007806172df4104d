import { z } from 'zod';
import { actionRequest, type ActionAnswer, type ActionRequest } from '@bailiwick/contracts/actions/action';
import { CODES } from '@bailiwick/contracts/error-codes';
import { evaluationBody } from '@bailiwick/contracts/http/bodies';
import { idOf } from '@bailiwick/contracts/primitives';
import { Refused } from '../http/problems/problem';
import { withReasons } from '../presentation/reasons';

type Json = Record<string, unknown>;

/** A decision, and its JSON text (`evaluationAnswer`). */
export interface Decision {
  readonly decision: boolean;
  readonly text: string;
}

/** An evaluation read as one of our actions. */
export interface Evaluation {
  readonly request: ActionRequest;
  readonly dryRun: boolean;
}

export const compiledEvaluation = z.compile(evaluationBody, { strict: true });
const compiledRequest = z.compile(actionRequest, { strict: true });
const grantId = idOf('grant');

/** Names that mean a dry run in members that are not read. Ignoring them as unknown members would charge the call. */
const MEANS_DRY_RUN = /^dry[-_ ]?run$/i;

/**
 * Reports whether one of these contexts requests a dry run. By AuthZEN an item's context replaces the default context, and with
 * it the request not to be charged: so a dry run that is requested anywhere applies, even if an item states `false`.
 * @throws Refused BAD_REQUEST if the request is unclear; nothing has been charged yet
 * @see AuthZEN Authorization API 1.0 §7.1.1
 */
export function wantsDryRun(others: readonly unknown[], contexts: readonly (Json | undefined)[]): boolean {
  const misplaced = [...others.flatMap(namesOf), ...contexts.flatMap(namesOf).filter((name) => name !== 'dryRun')];
  const meant = misplaced.find((name) => MEANS_DRY_RUN.test(name));
  if (meant !== undefined)
    throw new Refused('BAD_REQUEST', `${meant} is not supported; request a dry run with context.dryRun: true`);
  const values = contexts.map((context) => (context && Object.hasOwn(context, 'dryRun') ? context.dryRun : undefined));
  if (values.some((value) => value !== undefined && typeof value !== 'boolean'))
    throw new Refused('BAD_REQUEST', 'context.dryRun must be true or false');
  return values.includes(true);
}

const namesOf = (value: unknown): string[] => (value !== null && typeof value === 'object' ? Object.keys(value) : []);

/**
 * Reads an AuthZEN evaluation.
 * @param dryRun whether the request around it asks for a dry run
 * @throws Refused NOT_FOUND for a subject that is no grant, BAD_REQUEST for anything malformed
 * @see AuthZEN Authorization API 1.0 §5, §6
 */
export function toAction(evaluation: unknown, dryRun = false): Evaluation {
  const parsed = compiledEvaluation.safeParse(evaluation);
  if (!parsed.success) throw malformed(parsed.error);
  const { subject, action, resource, context = {} } = parsed.data;
  // A subject other than a grant has no rights: that is a decision, not a malformed request (I11).
  if (subject.type !== 'grant' || !grantId.safeParse(subject.id).success)
    throw new Refused('NOT_FOUND', 'the subject is not a grant; send { "type": "grant", "id": "grt_…" }');
  const request = compiledRequest.safeParse({
    ...pick(context, [
      'cost',
      'units',
      'posture',
      'approvalId',
      'labels',
      'parentActionId',
      'onBehalfOf',
      'understands',
    ]),
    grantId: subject.id,
    action: { ...pick(action.properties, ['args', 'argsDigest', 'tool', 'risk', 'effect']), verb: action.name },
    resource: { type: resource.type, id: resource.id, attributes: comparable(resource.properties) },
  });
  if (!request.success) throw malformed(request.error);
  const own = wantsDryRun([parsed.data], [context]);
  return { request: request.data, dryRun: dryRun || own };
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

export function toDecision(answer: ActionAnswer): Decision {
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
    text: `{"decision":${decision},"context":${withReasons({ actionId, ...more, ...under }, reasons)}}`,
  };
}
