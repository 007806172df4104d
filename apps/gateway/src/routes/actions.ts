import { z } from 'zod';
import {
  actionAnswer,
  actionRequest,
  outcomeRequest,
  type ActionAnswer,
  type ActionRequest,
  type OutcomeRequest,
} from '@bailiwick/contracts/action';
import type { Answer, Command } from '@bailiwick/contracts/command';
import { actionsBatchBody } from '@bailiwick/contracts/http';
import { idOf } from '@bailiwick/contracts/primitives';
import { canonicalDigest } from '@bailiwick/core/digest';
import { logOf, ownGrant } from '../log-client/logs';
import { payloadOf } from '../auth/pseudonyms';
import { withReasons } from '../presentation/reasons';
import { redactedArgs, redactText } from '../presentation/redaction';
import { fromAnswer, problemOf, Refused } from '../http/problem';
import { JSON_TYPE, route, type Context, type Route } from '../http/route';

type Caller = Context['caller'];

/** What the session dimension is told: a run proves its key itself, an enforcement point of ours vouches for it. */
const proofOf = (caller: Caller) =>
  caller.kind === 'run'
    ? { vouched: false as const, ...(caller.jkt ? { jkt: caller.jkt } : {}) }
    : { vouched: true as const };

/** The arguments go no further than this: a digest is decided on, a redacted preview kept beside the event. */
export function authorizeCommand(
  context: Pick<Context, 'command' | 'caller'>,
  request: ActionRequest,
  part?: string,
): Command {
  const { args, argsDigest, ...action } = request.action;
  const digest = args === undefined ? argsDigest : digestOf(args);
  return context.command(
    'authorize',
    logOf(context.caller, request.grantId),
    {
      ...request,
      action: { ...action, ...(digest === undefined ? {} : { argsDigest: digest }) },
      proof: proofOf(context.caller),
      ...(args === undefined ? {} : { payload: payloadOf(redactedArgs(args)) }),
    },
    part,
  );
}

function digestOf(args: Record<string, unknown>): string {
  try {
    return canonicalDigest(args);
  } catch (error) {
    throw new Refused('BAD_REQUEST', `action.args: ${(error as Error).message}`); // 1e400, which JSON can spell
  }
}

export function settleCommand(
  context: Pick<Context, 'command' | 'caller'>,
  actionId: string,
  { preview, ...outcome }: OutcomeRequest,
): Command {
  return context.command('settle', logOf(context.caller, actionId), {
    actionId,
    outcome,
    ...(preview === undefined ? {} : { payload: payloadOf({ preview: redactText(preview) }) }),
  });
}

/** As JSON. */
const textOf = ({ reasons, ...decided }: ActionAnswer): string => withReasons(decided, reasons);

function decisionOf(answer: Answer): string {
  if (answer.ok) return textOf(answer.value as ActionAnswer);
  return JSON.stringify({ error: problemOf(fromAnswer(answer.refusal)).body });
}

export const actionRoutes: Route[] = [
  route({
    method: 'POST',
    path: '/v1/actions',
    summary: 'Decide one action; a permit is charged and recorded when it is answered',
    roles: ['enforcer'],
    runs: true,
    body: z.compile(actionRequest, { strict: true }),
    answer: actionAnswer,
    async handle(context) {
      ownGrant(context.caller, context.body.grantId);
      const answer = await context.services.owners.command<ActionAnswer>(authorizeCommand(context, context.body));
      return { text: textOf(answer), type: JSON_TYPE };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/actions::batch',
    summary: 'Decide several actions, in order; each by itself',
    roles: ['enforcer'],
    runs: true,
    body: z.compile(actionsBatchBody, { strict: true }),
    answer: z.object({ answers: z.array(z.union([actionAnswer, z.object({ error: z.unknown() })])) }),
    async handle(context) {
      const { actions } = context.body;
      for (const action of actions) ownGrant(context.caller, action.grantId);
      const commands = actions.map((action, i) => authorizeCommand(context, action, String(i)));
      const answers = await context.services.owners.submitAll(commands);
      return { text: `{"answers":[${answers.map(decisionOf).join(',')}]}`, type: JSON_TYPE };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/actions/:id/outcome',
    summary: 'Report what came of a permitted action',
    roles: ['enforcer'],
    runs: true,
    params: z.strictObject({ id: idOf('action') }),
    body: z.compile(outcomeRequest, { strict: true }),
    answer: z.object({ action: z.unknown(), position: z.number() }),
    async handle(context) {
      return { body: await context.services.owners.command(settleCommand(context, context.params.id, context.body)) };
    },
  }),
];
