import { Controller } from '@nestjs/common';
import { Ctx, Endpoint } from '../http/endpoints/endpoint';
import { Streamed } from '../http/responses/http-response';
import type { RequestContext } from '../http/request-context';
import { TenantExport } from './tenant-export';

@Controller()
export class ExportsController {
  constructor(private readonly tenantExport: TenantExport) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/export',
    summary: 'The whole tenant as NDJSON: a header, every event, a trailer with the roots',
    roles: ['admin'],
    streams: true,
  })
  export(@Ctx() { caller }: RequestContext): Streamed {
    return new Streamed((reply) => this.tenantExport.stream(caller.tenant, reply));
  }
}
