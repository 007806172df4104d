import { z } from 'zod';
import type { GrantView, RunView } from '#contracts/grant';
import { approvalDecisionBody } from '#contracts/http';
import { idOf } from '#contracts/primitives';
import { approvalView } from '#contracts/query';
import { logName } from '#kernel/ids';
import { logOf } from '../logs';
import { payloadOf } from '../pseudonym';
import { Refused } from '../refusal';
import { route, wholeNumber, type Route } from '../route';

const approvalId = z.strictObject({ id: idOf('approval') });

export const approvalRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/approvals',
    summary: 'Approvals that wait for a person, or the recorded ones',
    roles: ['approver', 'responder', 'analyst', 'orchestrator'],
    query: z.strictObject({
      status: z.enum(['pending', 'approved', 'denied', 'expired', 'used']).optional(),
      cursor: z.string().max(200).optional(),
      limit: wholeNumber(1, 1_000).optional(),
      minPosition: wholeNumber(0).optional(),
    }),
    answer: z.object({ items: z.array(approvalView), next: z.string().nullable() }),
    async handle({ caller, services, query }) {
      if (query.status === 'pending' && query.cursor !== undefined)
        throw new Refused('BAD_REQUEST', 'what is pending is answered at once: no cursor for it was given here');
      if (query.status === 'pending')
        return {
          body: await services.owners.query({ op: 'approvals', log: logName(caller.tenant, 0), status: 'pending' }),
        };
      return { body: await services.owners.ledger('approvals', { tenant: caller.tenant, ...query }) };
    },
  }),
  route({
    method: 'GET',
    path: '/v1/approvals/:id',
    summary: 'One approval, in words',
    roles: ['approver', 'responder', 'analyst', 'orchestrator', 'enforcer'],
    params: approvalId,
    answer: approvalView,
    async handle({ caller, services, params }) {
      return { body: await services.owners.query({ op: 'approval', log: logOf(caller, params.id), id: params.id }) };
    },
  }),
  route({
    method: 'POST',
    path: '/v1/approvals/:id/decision',
    summary: 'A person approves or denies',
    roles: ['approver'],
    params: approvalId,
    body: approvalDecisionBody,
    answer: z.object({
      approval: approvalView,
      run: z.unknown().optional(),
      grant: z.unknown().optional(),
      token: z.string().optional(),
    }),
    async handle(context) {
      const { caller, services, params, body } = context;
      const command = context.command('decideApproval', logOf(caller, params.id), {
        approvalId: params.id,
        verdict: body.verdict,
        payload: payloadOf({ note: body.note, by: caller.actor.id }),
      });
      const value = await services.owners.command<{ run?: RunView; grant?: GrantView }>(command);
      if (!value.run || !value.grant) return { body: value };
      const token = await services.tokens.mint(caller.tenant, value.run, value.grant);
      return { body: { ...value, token, expiresAt: value.grant.limits.time.expiresAt } };
    },
  }),
];
