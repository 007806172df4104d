import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { tenantName } from '@bailiwick/contracts/primitives';
import { IssuedKeys } from '../auth/issued-keys';
import { Body, Ctx, Endpoint } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';

const tenantBody = z.strictObject({
  id: tenantName,
  /** replaces the keys of an existing tenant */
  reissue: z.literal(true).optional(),
});

/** Creates tenants of the installation, for the admin of the tenant `default`. */
@Controller()
export class TenantsController {
  constructor(
    private readonly logClient: LogClient,
    private readonly keys: IssuedKeys,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/tenants',
    summary: 'Make a tenant, or replace its keys; keys are returned once',
    roles: ['admin'],
    status: 201,
  })
  async create(
    @Ctx() { caller }: RequestContext,
    @Body(tenantBody) { id, reissue }: z.infer<typeof tenantBody>,
  ): Promise<unknown> {
    if (caller.tenant !== 'default')
      throw new Refused('FORBIDDEN', 'only the admin of the tenant default may create tenants');
    if (reissue) return { id, keys: await this.keys.reissue(id) };
    // A crash between the two leaves a tenant with a log and without keys; the same request completes it.
    await this.logClient.admin('create-tenant', { tenant: id });
    return { id, keys: await this.keys.addTenant(id) };
  }
}
