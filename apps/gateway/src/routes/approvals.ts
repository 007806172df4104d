import { z } from 'zod';
import type { GrantView, RunView } from '@bailiwick/contracts/grant';
import { approvalDecisionBody } from '@bailiwick/contracts/http';
import { idOf } from '@bailiwick/contracts/primitives';
import { approvalStatus, approvalView } from '@bailiwick/contracts/query';
import { SEARCHES } from '@bailiwick/contracts/search';
import { logName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { logOf } from '../log-client/logs';
import { payloadOf } from '../auth/pseudonyms';
import { Refused } from '../http/problem';
import { route, wholeNumber, type Context, type Route } from '../http/route';
import { ledgerList } from './lists';

const approvalId = z.strictObject({ id: idOf('approval') });

/** Where a page of what is pending ended: its turn, and its position. */
function placeOf(cursor: string): { turn: number; position: number } {
  const [, turn, position] = /^([1-9]\d{0,5})\.(\d{1,15})$/.exec(cursor) ?? [];
  if (turn === undefined || position === undefined)
    throw new Refused('BAD_REQUEST', 'the cursor is not one of a list of pending approvals; take `next` of a page');
  return { turn: Number(turn), position: Number(position) };
}

export const approvalRoutes: Route[] = [
  route({
    method: 'GET',
    path: '/v1/approvals',
    summary: 'Approvals that wait for a person, or the recorded ones',
    roles: ['approver', 'responder', 'analyst', 'orchestrator'],
    query: SEARCHES.approvals.extend({
      status: approvalStatus.optional(),
      cursor: z.string().max(400).optional(),
      limit: wholeNumber(1, LIMITS.eventsPageMax).optional(),
      minPosition: wholeNumber(0).optional(),
    }),
    answer: z.object({ items: z.array(approvalView), next: z.string().nullable() }),
    async handle(context) {
      const { caller, services, query } = context;
      // all that waits is the live state's to tell; what is looked for among it, the read models'
      const filtered = Object.keys(query).some((name) => !['status', 'limit', 'minPosition', 'cursor'].includes(name));
      if (query.status === 'pending' && !filtered)
        return {
          body: await services.owners.query({
            op: 'approvals',
            log: logName(caller.tenant, 0),
            status: 'pending',
            limit: Math.min(query.limit ?? LIMITS.pendingPageMax, LIMITS.pendingPageMax),
            ...(query.cursor === undefined ? {} : { after: placeOf(query.cursor) }),
          }),
        };
      return ledgerList(context as unknown as Context, 'approvals', query);
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
      return { body: await services.owners.look('approval', logOf(caller, params.id), params.id) };
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
