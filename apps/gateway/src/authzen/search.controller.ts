import { Controller } from '@nestjs/common';
import {
  actionsAnswer,
  actionSearchBody,
  entitiesAnswer,
  resourceSearchBody,
  subjectSearchBody,
} from '@bailiwick/contracts/http/authzen-search';
import { Body, Ctx, Endpoint } from '../http/endpoints/endpoint';
import type { RequestContext } from '../http/request-context';
import { Searches, type ActionSearch, type Found, type ResourceSearch, type SubjectSearch } from './searches';

/** Searches for clients of the AuthZEN Authorization API 1.0. */
@Controller()
export class SearchController {
  constructor(private readonly searches: Searches) {}

  @Endpoint({
    method: 'POST',
    path: '/access/v1/search/subject',
    summary: 'AuthZEN subject search: which grants, runs or people may do this; charges nothing',
    roles: ['enforcer'],
    runs: true,
    answer: entitiesAnswer,
  })
  async subject(@Ctx() context: RequestContext, @Body(subjectSearchBody) body: SubjectSearch): Promise<unknown> {
    const { type } = body.subject;
    return answer(await this.searches.subject(context, body), (id) => ({ type, id }));
  }

  @Endpoint({
    method: 'POST',
    path: '/access/v1/search/resource',
    summary: 'AuthZEN resource search: on which known resources the subject may do this; charges nothing',
    roles: ['enforcer'],
    runs: true,
    answer: entitiesAnswer,
  })
  async resource(@Ctx() context: RequestContext, @Body(resourceSearchBody) body: ResourceSearch): Promise<unknown> {
    const { type } = body.resource;
    return answer(await this.searches.resource(context, body), (id) => ({ type, id }));
  }

  @Endpoint({
    method: 'POST',
    path: '/access/v1/search/action',
    summary: 'AuthZEN action search: what the subject may do on this resource; charges nothing',
    roles: ['enforcer'],
    runs: true,
    answer: actionsAnswer,
  })
  async action(@Ctx() context: RequestContext, @Body(actionSearchBody) body: ActionSearch): Promise<unknown> {
    return answer(await this.searches.action(context, body), (name) => ({ name }));
  }
}

const answer = ({ ids, next }: Found, view: (id: string) => unknown): unknown => ({
  results: ids.map(view),
  page: { next_token: next, count: ids.length },
});
