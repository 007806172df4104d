import { Controller } from '@nestjs/common';
import { z } from 'zod';
import {
  accessRequestBody,
  taskAnswer,
  type AccessRequestBody,
  type TaskAnswer,
} from '@bailiwick/contracts/http/access-requests';
import { LIMITS } from '@bailiwick/core/limits';
import { Body, Ctx, Endpoint, Params } from '../../http/endpoints/endpoint';
import { Reply } from '../../http/responses/http-response';
import type { RequestContext } from '../../http/request-context';
import { AccessRequests } from './access-requests';
import { typed } from './request-problems';

/** any text: an id that is none is a task that does not exist, with the problem type of the profile */
const task = z.strictObject({ id: z.string() });

/** Requests for access, by the AuthZEN Access Request and Approval Profile. */
@Controller()
export class RequestsController {
  constructor(private readonly requests: AccessRequests) {}

  @Endpoint({
    method: 'POST',
    path: '/access/v1/requests',
    summary: 'AuthZEN access request: asks for what an evaluation denied with context.access_request',
    roles: ['enforcer'],
    runs: true,
    status: 202,
    answer: taskAnswer,
    also: { 201: { when: 'Decided without a person', answer: taskAnswer } },
  })
  async submit(@Ctx() context: RequestContext, @Body(accessRequestBody) body: AccessRequestBody): Promise<Reply> {
    return this.answer(this.requests.submit(context, body), true);
  }

  @Endpoint({
    method: 'GET',
    path: '/access/v1/requests/:id',
    summary: 'AuthZEN task status: what became of an access request',
    roles: ['enforcer'],
    runs: true,
    answer: taskAnswer,
  })
  async read(@Ctx() { caller }: RequestContext, @Params(task) { id }: z.infer<typeof task>): Promise<Reply> {
    return this.answer(this.requests.read(caller, id), false);
  }

  @Endpoint({
    method: 'DELETE',
    path: '/access/v1/requests/:id',
    summary: 'AuthZEN task cancellation: withdraws an access request that waits for people',
    roles: ['enforcer'],
    runs: true,
    answer: taskAnswer,
  })
  async withdraw(@Ctx() context: RequestContext, @Params(task) { id }: z.infer<typeof task>): Promise<Reply> {
    return this.answer(this.requests.withdraw(context, id), false);
  }

  private async answer(asked: Promise<TaskAnswer>, isNew: boolean): Promise<Reply> {
    let found: TaskAnswer;
    try {
      found = await asked;
    } catch (error) {
      throw typed(error);
    }
    const isPending = found.task.status === 'pending';
    return Reply.json(found, {
      ...(isNew ? { status: isPending ? 202 : 201 } : {}),
      headers: {
        'cache-control': 'no-store',
        ...(isPending ? { 'retry-after': String(LIMITS.authzen.pollSeconds) } : {}),
        ...(isNew ? { location: found.task.status_endpoint } : {}),
      },
    });
  }
}
