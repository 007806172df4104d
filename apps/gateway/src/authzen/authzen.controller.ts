import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { ActionDecisions } from '../actions/action-decisions';
import { evaluationAnswer, evaluationBody, evaluationsBody } from '@bailiwick/contracts/http/bodies';
import { LIMITS } from '@bailiwick/core/limits';
import { CONFIG, type GatewayConfig } from '../config';
import { Body, Ctx, Endpoint } from '../http/endpoints/endpoint';
import { Reply } from '../http/responses/http-response';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { ownGrant } from '../log-client/logs';
import { DryRuns } from '../reporting/dry-runs';
import {
  compiledEvaluation,
  denied,
  read,
  toAction,
  toDecision,
  wantsDryRun,
  type Decision,
  type Evaluation,
} from './evaluation';

/** An item may be incomplete or malformed: its own decision reports that. */
const severalBody = evaluationsBody.extend({
  evaluations: z
    .array(z.union([evaluationBody.partial(), z.looseObject({})]))
    .max(LIMITS.actionsPerBatch)
    .optional(),
});

const ENDS_AT: Record<'deny_on_first_deny' | 'permit_on_first_permit', (decision: boolean) => boolean> = {
  deny_on_first_deny: (decision) => !decision,
  permit_on_first_permit: (decision) => decision,
};

/** Decisions for clients of the AuthZEN Authorization API 1.0. */
@Controller()
export class AuthzenController {
  constructor(
    private readonly decisions: ActionDecisions,
    private readonly dryRuns: DryRuns,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/access/v1/evaluation',
    summary: 'AuthZEN access evaluation; a permit is charged unless context.dryRun is true',
    roles: ['enforcer'],
    runs: true,
    answer: evaluationAnswer,
  })
  async evaluate(@Ctx() context: RequestContext, @Body(compiledEvaluation) body: unknown): Promise<Reply> {
    return Reply.jsonText((await this.single(context, body)).text);
  }

  @Endpoint({
    method: 'POST',
    path: '/access/v1/evaluations',
    summary: 'AuthZEN access evaluations: several at once, with defaults; context.dryRun of either applies to the item',
    roles: ['enforcer'],
    runs: true,
    answer: z.union([evaluationAnswer, z.object({ evaluations: z.array(evaluationAnswer) })]),
  })
  async evaluateAll(
    @Ctx() context: RequestContext,
    @Body(z.compile(severalBody, { strict: true })) body: z.infer<typeof severalBody>,
  ): Promise<Reply> {
    const { evaluations = [], options, ...defaults } = body;
    const dryRun = wantsDryRun([body, options], [defaults.context]);
    if (evaluations.length === 0) return Reply.jsonText((await this.single(context, defaults)).text);
    const all = evaluations.map((evaluation) => read({ ...defaults, ...evaluation }, dryRun));
    for (const each of all) if (!(each instanceof Refused)) ownGrant(context.caller, each.request.grantId);
    const semantic = options?.evaluations_semantic ?? 'execute_all';
    const decisions =
      semantic === 'execute_all'
        ? await Promise.all(all.map((each, i) => this.oneOfSeveral(context, each, i)))
        : await this.inOrder(context, all, ENDS_AT[semantic]);
    return Reply.jsonText(`{"evaluations":[${decisions.map(({ text }) => text).join(',')}]}`);
  }

  @Endpoint({
    method: 'GET',
    path: '/.well-known/authzen-configuration',
    summary: 'AuthZEN discovery',
    roles: 'public',
  })
  configuration(): unknown {
    const url = this.config.publicUrl;
    return {
      policy_decision_point: url,
      access_evaluation_endpoint: `${url}/access/v1/evaluation`,
      access_evaluations_endpoint: `${url}/access/v1/evaluations`,
    };
  }

  /** Denies a subject that is not a grant; any other error refuses the request. */
  private async single(context: RequestContext, body: unknown): Promise<Decision> {
    try {
      const evaluation = toAction(body);
      ownGrant(context.caller, evaluation.request.grantId);
      return await this.decide(context, evaluation);
    } catch (error) {
      if (error instanceof Refused && error.code === 'NOT_FOUND') return denied(error);
      throw error;
    }
  }

  private async inOrder(
    context: RequestContext,
    all: readonly (Evaluation | Refused)[],
    isLast: (decision: boolean) => boolean,
  ): Promise<Decision[]> {
    const decisions: Decision[] = [];
    for (const [i, each] of all.entries()) {
      const decision = await this.oneOfSeveral(context, each, i);
      decisions.push(decision);
      if (isLast(decision.decision)) break;
    }
    return decisions;
  }

  /** Denies a malformed item without an effect on the others. */
  private async oneOfSeveral(context: RequestContext, each: Evaluation | Refused, i: number): Promise<Decision> {
    if (each instanceof Refused) return denied(each);
    try {
      return await this.decide(context, each, String(i));
    } catch (error) {
      if (error instanceof Refused) return denied(error);
      throw error;
    }
  }

  private async decide(context: RequestContext, { request, dryRun }: Evaluation, part?: string): Promise<Decision> {
    if (!dryRun) return toDecision(await this.decisions.decide(context, request, part));
    const { answer, commandId } = await this.decisions.decideDry(context, request, part);
    this.dryRuns.note(context.caller, { grantId: request.grantId, commandId }, answer.decision);
    return toDecision(answer);
  }
}
