import { Controller, Inject } from '@nestjs/common';
import { z } from 'zod';
import { evaluationAnswer, evaluationBody, evaluationsBody } from '@bailiwick/contracts/http/bodies';
import { LIMITS } from '@bailiwick/core/limits';
import type { Caller } from '../auth/caller';
import { CONFIG, type GatewayConfig } from '../config';
import { Body, Ctx, Endpoint } from '../http/endpoints/endpoint';
import { Reply } from '../http/responses/http-response';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import {
  compiledEvaluation,
  denied,
  read,
  toAction,
  toDecision,
  wantsDryRun,
  withDefaults,
  type Decision,
  type Evaluation,
} from './evaluation';
import { Evaluations } from './evaluations';
import { metadata } from './metadata';
import { RequestableDenials } from './requests/requestable-denials';
import { Subjects } from './subjects';

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

const mayDecide = (caller: Caller): boolean => caller.kind === 'run' || caller.roles.includes('enforcer');

/** An evaluation, and the leases that its subject stands for. */
interface Ready {
  readonly evaluation: Evaluation;
  readonly leases: readonly string[];
}

/** Decisions for clients of the AuthZEN Authorization API 1.0. */
@Controller()
export class AuthzenController {
  constructor(
    private readonly evaluations: Evaluations,
    private readonly subjects: Subjects,
    private readonly denials: RequestableDenials,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/access/v1/evaluation',
    summary:
      'AuthZEN access evaluation; a permit is charged unless dryRun is true, in the body or its context. An analyst may only ask for a dry run',
    roles: ['enforcer', 'analyst'],
    runs: true,
    answer: evaluationAnswer,
  })
  async evaluate(@Ctx() context: RequestContext, @Body(compiledEvaluation) body: unknown): Promise<Reply> {
    return Reply.jsonText((await this.single(context, body)).text);
  }

  @Endpoint({
    method: 'POST',
    path: '/access/v1/evaluations',
    summary:
      'AuthZEN access evaluations: several at once, with defaults; a dryRun anywhere around an item applies to it',
    roles: ['enforcer'],
    runs: true,
    answer: z.union([evaluationAnswer, z.object({ evaluations: z.array(evaluationAnswer) })]),
  })
  async evaluateAll(
    @Ctx() context: RequestContext,
    @Body(z.compile(severalBody, { strict: true })) body: z.infer<typeof severalBody>,
  ): Promise<Reply> {
    const { evaluations = [], options, ...defaults } = body;
    const dryRun = wantsDryRun(body, options, defaults.context);
    if (evaluations.length === 0) return Reply.jsonText((await this.single(context, defaults, dryRun)).text);
    const all = await this.readied(
      context,
      evaluations.map((evaluation) => read(withDefaults(defaults, evaluation), dryRun)),
    );
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
    return metadata(this.config.publicUrl);
  }

  /** Denies a subject that has no lease; any other error refuses the request. */
  private async single(context: RequestContext, body: unknown, dryRun = false): Promise<Decision> {
    try {
      const evaluation = toAction(body, dryRun);
      if (!evaluation.dryRun && !mayDecide(context.caller))
        throw new Refused('FORBIDDEN', 'an analyst may not decide; ask for a dry run (dryRun: true)');
      const leases = await this.subjects.leasesOf(context.caller, evaluation.subject);
      return await this.decide(context, { evaluation, leases });
    } catch (error) {
      if (error instanceof Refused && error.code === 'NOT_FOUND') return denied(error);
      throw error;
    }
  }

  /** Finds the leases of all subjects before anything is charged. @throws Refused FORBIDDEN if one is not the caller's */
  private readied(context: RequestContext, all: readonly (Evaluation | Refused)[]): Promise<(Ready | Refused)[]> {
    const known = new Map<string, Promise<readonly string[]>>();
    return Promise.all(
      all.map(async (evaluation) => {
        if (evaluation instanceof Refused) return evaluation;
        const { subject } = evaluation;
        const key = JSON.stringify([subject.type, subject.id]);
        const found = known.get(key) ?? this.subjects.leasesOf(context.caller, subject);
        known.set(key, found);
        try {
          return { evaluation, leases: await found };
        } catch (error) {
          if (error instanceof Refused && error.code !== 'FORBIDDEN') return error;
          throw error;
        }
      }),
    );
  }

  private async inOrder(
    context: RequestContext,
    all: readonly (Ready | Refused)[],
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
  private async oneOfSeveral(context: RequestContext, each: Ready | Refused, i: number): Promise<Decision> {
    if (each instanceof Refused) return denied(each);
    try {
      return await this.decide(context, each, String(i));
    } catch (error) {
      if (error instanceof Refused) return denied(error);
      throw error;
    }
  }

  private async decide(context: RequestContext, { evaluation, leases }: Ready, part?: string): Promise<Decision> {
    const { request, dryRun } = evaluation;
    if (dryRun) return toDecision((await this.evaluations.tryOut(context, leases, request, part)).answer);
    const tried = await this.evaluations.decide(context, leases, request, part);
    return toDecision(tried.answer, await this.denials.contextOf(context.caller, evaluation, tried));
  }
}
