import { z } from 'zod';
import { actionRequest, type ActionAnswer, type ActionRequest } from '@bailiwick/contracts/action';
import { CODES } from '@bailiwick/contracts/codes';
import { evaluationAnswer, evaluationBody, evaluationsBody } from '@bailiwick/contracts/http';
import { idOf } from '@bailiwick/contracts/primitives';
import { LIMITS } from '@bailiwick/core/limits';
import { ownGrant } from '../log-client/logs';
import { withReasons } from '../presentation/reasons';
import { Refused } from '../http/problem';
import { JSON_TYPE, route, type Context, type Reply, type Route } from '../http/route';
import { authorizeCommand } from './actions';

/** A decision, and the JSON that tells it (`evaluationAnswer`). */
interface Decision {
  readonly decision: boolean;
  readonly text: string;
}

/** What is asked of us: the action, and whether it is only a question. */
interface Asked {
  readonly request: ActionRequest;
  readonly dryRun: boolean;
}

const grantId = idOf('grant');
const compiled = {
  evaluation: z.compile(evaluationBody, { strict: true }),
  request: z.compile(actionRequest, { strict: true }),
};
/** The members we know; those we do not know are the caller's own business, and ignored. */
function known(value: Record<string, unknown> | undefined, names: readonly string[]): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of names) if (value && Object.hasOwn(value, name)) found[name] = value[name];
  return found;
}

/** Where a dry run is not asked for, and is meant: ignored as an unknown member, it would be charged. */
const MEANT = /^dry[-_ ]?run$/i;

/**
 * Does one of these contexts ask for a dry run? By AuthZEN an item's context replaces the default, and with it would
 * go the wish not to be charged: so a dry run that is asked for anywhere is one, also where an item states `false`.
 * @throws Refused where it is not clear what is asked for: nothing has been charged yet
 * @see AuthZEN Authorization API 1.0 §7.1.1
 */
function wantsDryRun(places: readonly unknown[], contexts: readonly (Json | undefined)[]): boolean {
  const misplaced = [...places.flatMap(namesOf), ...contexts.flatMap(namesOf).filter((name) => name !== 'dryRun')];
  const meant = misplaced.find((name) => MEANT.test(name));
  if (meant !== undefined)
    throw new Refused('BAD_REQUEST', `${meant} is not read there; a dry run is asked for with context.dryRun: true`);
  const asked = contexts.map((context) => (context && Object.hasOwn(context, 'dryRun') ? context.dryRun : undefined));
  if (asked.some((value) => value !== undefined && typeof value !== 'boolean'))
    throw new Refused('BAD_REQUEST', 'context.dryRun must be true or false');
  return asked.includes(true);
}
type Json = Record<string, unknown>;
const namesOf = (value: unknown): string[] => (value !== null && typeof value === 'object' ? Object.keys(value) : []);

/**
 * An AuthZEN evaluation read as one of our actions.
 * @param dry one that is asked for by what is around it
 * @see AuthZEN Authorization API 1.0 §5, §6
 */
function toAction(evaluation: unknown, dry = false): Asked {
  const parsed = compiled.evaluation.safeParse(evaluation);
  if (!parsed.success) throw malformed(parsed.error);
  const { subject, action, resource, context = {} } = parsed.data;
  // a subject that is none of ours may do nothing: a decision, no malformed request (I11)
  if (subject.type !== 'grant' || !grantId.safeParse(subject.id).success)
    throw new Refused('NOT_FOUND', 'this subject is no grant: send { "type": "grant", "id": "grt_…" }');
  const request = compiled.request.safeParse({
    ...known(context, ['cost', 'posture', 'approvalId', 'labels', 'parentActionId']),
    grantId: subject.id,
    action: { ...known(action.properties, ['args', 'argsDigest', 'tool', 'risk', 'effect']), verb: action.name },
    resource: { type: resource.type, id: resource.id, attributes: scalars(resource.properties) },
  });
  if (!request.success) throw malformed(request.error);
  const own = wantsDryRun([parsed.data], [context]);
  return { request: request.data, dryRun: dry || own };
}

/** Conditions compare scalars; no condition admits anything for the sake of a list or an object, so they are left out. */
function scalars(properties: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
  if (!properties) return undefined;
  return Object.fromEntries(Object.entries(properties).filter(([, value]) => typeof value !== 'object'));
}

function malformed(error: z.ZodError): Refused {
  const issue = error.issues[0];
  return new Refused('BAD_REQUEST', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
}

async function evaluate(context: Context, { request, dryRun }: Asked, part?: string): Promise<Decision> {
  const command = authorizeCommand(context, request, part);
  if (!dryRun) return toDecision(await context.services.owners.command<ActionAnswer>(command));
  const answer = await context.services.owners.query<ActionAnswer>({ op: 'dryRun', log: command.log, command });
  context.services.dryRuns.note(context.caller, { ...command, grantId: request.grantId }, answer.decision);
  return toDecision(answer);
}

/** What could not be evaluated is denied, and said why (I11). @see AuthZEN Authorization API 1.0 §7.2.1 */
function denied(refused: Refused): Decision {
  const { code, detail } = refused;
  const error = { status: CODES[code], message: detail };
  return { decision: false, text: JSON.stringify({ decision: false, context: { code, reason: detail, error } }) };
}

/** One evaluation by itself: who names no grant is denied; whatever else is wrong is wrong with the request. */
async function single(context: Context, evaluation: unknown): Promise<Decision> {
  try {
    const asked = toAction(evaluation);
    ownGrant(context.caller, asked.request.grantId);
    return await evaluate(context, asked);
  } catch (error) {
    if (error instanceof Refused && error.code === 'NOT_FOUND') return denied(error);
    throw error;
  }
}

/** One of several: what is wrong with it is no matter of the others. */
async function oneOf(context: Context, asked: Asked | Refused, i: number): Promise<Decision> {
  if (asked instanceof Refused) return denied(asked);
  try {
    return await evaluate(context, asked, String(i));
  } catch (error) {
    if (error instanceof Refused) return denied(error);
    throw error;
  }
}

function read(evaluation: unknown, dry: boolean): Asked | Refused {
  try {
    return toAction(evaluation, dry);
  } catch (error) {
    if (error instanceof Refused) return error;
    throw error;
  }
}

function toDecision(answer: ActionAnswer): Decision {
  const { actionId, approvalId, reasons, obligations, expiresAt, remaining } = answer;
  const decision = answer.decision === 'permit';
  const more = {
    permit: { obligations, expiresAt, remaining },
    'step-up': { stepUp: { approvalId, expiresAt } },
    deny: {},
  }[answer.decision];
  return { decision, text: `{"decision":${decision},"context":${withReasons({ actionId, ...more }, reasons)}}` };
}

const STOPS: Record<'deny_on_first_deny' | 'permit_on_first_permit', (decision: boolean) => boolean> = {
  deny_on_first_deny: (decision) => !decision,
  permit_on_first_permit: (decision) => decision,
};

const told = (text: string): Reply => ({ text, type: JSON_TYPE });
const severalText = (decisions: readonly Decision[]): string =>
  `{"evaluations":[${decisions.map(({ text }) => text).join(',')}]}`;

/** An evaluation of several may lack anything, or have it wrong: that is told in its own decision. */
const severalBody = evaluationsBody.extend({
  evaluations: z
    .array(z.union([evaluationBody.partial(), z.looseObject({})]))
    .max(LIMITS.actionsPerBatch)
    .optional(),
});

export const authzenRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/access/v1/evaluation',
    summary: 'AuthZEN access evaluation; a permit is charged unless context.dryRun is true',
    roles: ['enforcer'],
    runs: true,
    body: compiled.evaluation,
    answer: evaluationAnswer,
    async handle(context) {
      return told((await single(context as unknown as Context, context.body)).text);
    },
  }),
  route({
    method: 'POST',
    path: '/access/v1/evaluations',
    summary: 'AuthZEN access evaluations: several at once, with defaults; context.dryRun of either is one of the item',
    roles: ['enforcer'],
    runs: true,
    body: z.compile(severalBody, { strict: true }),
    answer: z.union([evaluationAnswer, z.object({ evaluations: z.array(evaluationAnswer) })]),
    async handle(context) {
      const { evaluations = [], options, ...defaults } = context.body;
      const each = context as unknown as Context;
      const dry = wantsDryRun([context.body, options], [defaults.context]);
      if (evaluations.length === 0) return told((await single(each, defaults)).text);
      const all = evaluations.map((evaluation) => read({ ...defaults, ...evaluation }, dry));
      for (const asked of all) if (!(asked instanceof Refused)) ownGrant(context.caller, asked.request.grantId);
      const semantic = options?.evaluations_semantic ?? 'execute_all';
      if (semantic === 'execute_all')
        return told(severalText(await Promise.all(all.map((asked, i) => oneOf(each, asked, i)))));
      const decisions: Decision[] = [];
      for (const [i, asked] of all.entries()) {
        const decision = await oneOf(each, asked, i);
        decisions.push(decision);
        if (STOPS[semantic](decision.decision)) break;
      }
      return told(severalText(decisions));
    },
  }),
  route({
    method: 'GET',
    path: '/.well-known/authzen-configuration',
    summary: 'AuthZEN discovery',
    roles: 'public',
    async handle({ services }) {
      const url = services.config.publicUrl;
      return {
        body: {
          policy_decision_point: url,
          access_evaluation_endpoint: `${url}/access/v1/evaluation`,
          access_evaluations_endpoint: `${url}/access/v1/evaluations`,
        },
      };
    },
  }),
];
