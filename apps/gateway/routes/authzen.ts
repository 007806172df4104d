import { z } from 'zod';
import { actionRequest, type ActionAnswer } from '#contracts/action';
import { evaluationAnswer, evaluationBody, evaluationsBody } from '#contracts/http';
import { logOf, ownGrant } from '../logs';
import { Refused } from '../refusal';
import { route, type Context, type Route } from '../route';
import { authorizeCommand } from './actions';

type Evaluation = z.infer<typeof evaluationBody>;
type Decision = z.infer<typeof evaluationAnswer>;

/** An AuthZEN evaluation read as one of our actions. @see AuthZEN Authorization API 1.0 §5, §6 */
function toAction({ subject, action, resource, context = {} }: Evaluation) {
  if (subject.type !== 'grant')
    throw new Refused('BAD_REQUEST', `subject.type must be "grant", not ${JSON.stringify(subject.type)}`);
  const { dryRun, ...rest } = context;
  const request = actionRequest.safeParse({
    ...rest,
    grantId: subject.id,
    action: { ...action.properties, verb: action.name },
    resource: {
      type: resource.type,
      id: resource.id,
      ...(resource.properties ? { attributes: resource.properties } : {}),
    },
  });
  if (!request.success) {
    const issue = request.error.issues[0];
    throw new Refused('BAD_REQUEST', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'malformed'}`);
  }
  if (dryRun !== undefined && typeof dryRun !== 'boolean')
    throw new Refused('BAD_REQUEST', 'context.dryRun must be true or false');
  return { request: request.data, dryRun: dryRun === true };
}

async function evaluate(context: Context, evaluation: Evaluation, part?: string): Promise<Decision> {
  const { request, dryRun } = toAction(evaluation);
  ownGrant(context.caller, request.grantId);
  const command = authorizeCommand(context, request, part);
  try {
    const answer = dryRun
      ? await context.services.owners.query<ActionAnswer>({
          op: 'dryRun',
          log: logOf(context.caller, request.grantId),
          command,
        })
      : await context.services.owners.command<ActionAnswer>(command);
    return toDecision(answer);
  } catch (error) {
    // whatever names no live grant is denied, and said why (I11)
    if (error instanceof Refused && error.code === 'NOT_FOUND')
      return { decision: false, context: { code: error.code, reason: error.detail } };
    throw error;
  }
}

function toDecision({
  decision,
  actionId,
  approvalId,
  reasons,
  obligations,
  expiresAt,
  remaining,
}: ActionAnswer): Decision {
  const common = { ...(actionId ? { actionId } : {}), reasons };
  if (decision === 'permit') return { decision: true, context: { ...common, obligations, expiresAt, remaining } };
  if (decision === 'step-up') return { decision: false, context: { ...common, stepUp: { approvalId, expiresAt } } };
  return { decision: false, context: common };
}

const STOPS: Record<string, (decision: boolean) => boolean> = {
  execute_all: () => false,
  deny_on_first_deny: (decision) => !decision,
  permit_on_first_permit: (decision) => decision,
};

export const authzenRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/access/v1/evaluation',
    summary: 'AuthZEN access evaluation; a permit is charged unless context.dryRun is true',
    roles: ['enforcer'],
    runs: true,
    body: evaluationBody,
    answer: evaluationAnswer,
    async handle(context) {
      return { body: await evaluate(context as unknown as Context, context.body) };
    },
  }),
  route({
    method: 'POST',
    path: '/access/v1/evaluations',
    summary: 'AuthZEN access evaluations: several at once, with defaults',
    roles: ['enforcer'],
    runs: true,
    body: evaluationsBody,
    answer: z.union([evaluationAnswer, z.object({ evaluations: z.array(evaluationAnswer) })]),
    async handle(context) {
      const { evaluations, options, subject, action, resource, context: shared } = context.body;
      const whole = (each: object): Evaluation => {
        const parsed = evaluationBody.safeParse({ subject, action, resource, context: shared, ...each });
        if (!parsed.success)
          throw new Refused(
            'BAD_REQUEST',
            `an evaluation lacks ${parsed.error.issues[0]?.path.join('.') ?? 'a part'}, and there is no default for it`,
          );
        return parsed.data;
      };
      if (!evaluations || evaluations.length === 0)
        return { body: await evaluate(context as unknown as Context, whole({})) };
      const all = evaluations.map(whole);
      const semantic = options?.evaluations_semantic ?? 'execute_all';
      if (semantic === 'execute_all') {
        return {
          body: {
            evaluations: await Promise.all(
              all.map((each, i) => evaluate(context as unknown as Context, each, String(i))),
            ),
          },
        };
      }
      const stop = STOPS[semantic] as (decision: boolean) => boolean;
      const decisions: Decision[] = [];
      for (const [i, each] of all.entries()) {
        const decision = await evaluate(context as unknown as Context, each, String(i));
        decisions.push(decision);
        if (stop(decision.decision)) break;
      }
      return { body: { evaluations: decisions } };
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
