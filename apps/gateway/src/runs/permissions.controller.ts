import { Controller } from '@nestjs/common';
import { permissionsView, type PermissionsView } from '@bailiwick/contracts/queries/permissions';
import { Ctx, Endpoint } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import { logOf } from '../log-client/logs';

/** What an agent may do, for the agent itself. */
@Controller()
export class PermissionsController {
  constructor(private readonly logClient: LogClient) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/permissions/self',
    summary: 'What the run of this grant token may do, what is left, and what it could ask for and how',
    roles: ['orchestrator'],
    runs: true,
    answer: permissionsView,
  })
  self(@Ctx() { caller }: RequestContext): Promise<PermissionsView> {
    if (caller.kind !== 'run')
      throw new Refused('FORBIDDEN', 'a key may not read this, since it has no lease: send the grant token of a run');
    return this.logClient.query({ op: 'permissions', log: logOf(caller, caller.runId), runId: caller.runId });
  }
}
