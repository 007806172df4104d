import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { exportHeader, exportLine, importView, type ImportView } from '@bailiwick/contracts/transfer/export';
import type { Query } from '@bailiwick/contracts/queries/query';
import { logName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import type { Caller } from '../auth/caller';
import { Pseudonyms } from '../auth/pseudonyms';
import { Body, Ctx, Endpoint } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';

const importBody = z.strictObject({
  header: exportHeader,
  /** accepts an export whose refs were made with another key, so that the same people get other refs from now on */
  otherPseudonyms: z.boolean().optional(),
  /** moves the tenant here with its leases alive; the operator must have pinned its key for that */
  continue: z.boolean().optional(),
});
const eventsBody = z.strictObject({ events: z.array(exportLine).min(1).max(LIMITS.importEventsAtOnce) });
const noBody = z.strictObject({});

type Step = Extract<Query, { op: 'import' }>['step'];

/** Imports a whole tenant from another installation. */
@Controller()
export class ImportsController {
  constructor(
    private readonly logClient: LogClient,
    private readonly pseudonyms: Pseudonyms,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/imports',
    summary: 'Start to import a tenant into this one, which must be empty; or continue an interrupted import',
    roles: ['admin'],
    answer: importView,
  })
  async start(
    @Ctx() { caller }: RequestContext,
    @Body(importBody) { header, otherPseudonyms, continue: live }: z.infer<typeof importBody>,
  ): Promise<ImportView> {
    if (header.tenant !== caller.tenant)
      throw new Refused(
        'CONFLICT',
        `the export is of the tenant ${header.tenant}, and the key belongs to ${caller.tenant}: events name their tenant, so import it with a key of ${header.tenant}`,
      );
    if (otherPseudonyms !== true && header.pseudonyms !== this.pseudonyms.fingerprint)
      throw new Refused(
        'CONFLICT',
        'people and purposes in the export are named with another key: copy keys/pseudonym.key from the exporting installation, or rules and erasures by a name will not match the imported events',
      );
    return this.step(caller, { kind: 'begin', header, live: live === true });
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/imports/events',
    summary: 'The next events of an import, in order; events that were imported already are skipped',
    roles: ['admin'],
    answer: importView,
  })
  addEvents(
    @Ctx() { caller }: RequestContext,
    @Body(eventsBody) { events }: z.infer<typeof eventsBody>,
  ): Promise<ImportView> {
    return this.step(caller, { kind: 'events', events });
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/imports/completion',
    summary: 'Complete an import: check every event, then put them into effect',
    roles: ['admin'],
    answer: importView,
    status: 202,
  })
  complete(@Ctx() { caller }: RequestContext, @Body(noBody) _body: z.infer<typeof noBody>): Promise<ImportView> {
    return this.step(caller, { kind: 'complete' });
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/imports',
    summary: 'The state of the import into this tenant',
    roles: ['admin'],
    answer: importView,
  })
  get(@Ctx() { caller }: RequestContext): Promise<ImportView> {
    return this.step(caller, { kind: 'look' });
  }

  /** Sends a step to the owner of the tenant's first log, which receives every import. */
  private step({ tenant }: Caller, step: Step): Promise<ImportView> {
    return this.logClient.query({ op: 'import', log: logName(tenant, 0), step });
  }
}
