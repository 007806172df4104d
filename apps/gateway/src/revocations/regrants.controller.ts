import { Controller } from '@nestjs/common';
import { requestOf } from '@bailiwick/authority/regrants/left-over';
import { runView } from '@bailiwick/contracts/grants/grant';
import { shownNames } from '@bailiwick/contracts/people/person-names';
import { idOf } from '@bailiwick/contracts/primitives';
import { approvalView } from '@bailiwick/contracts/queries/query';
import {
  regrantsAnswer,
  regrantsBody,
  regrantsQuery,
  type RegrantBound,
  type RegrantProposal,
  type RegrantsAnswer,
} from '@bailiwick/contracts/revocations/regrants';
import { z } from 'zod';
import { PersonNames } from '../auth/person-names';
import { Body, Ctx, Endpoint, Params, Query } from '../http/endpoints/endpoint';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import { LeaseRequests } from '../runs/lease-requests';

const revocationId = z.strictObject({ id: idOf('revocation') });
type RevocationId = z.infer<typeof revocationId>;
const listQuery = z.strictObject(regrantsQuery);
type ListQuery = z.infer<typeof listQuery>;
type Accept = z.infer<typeof regrantsBody>;
const opened = z.object({
  grantId: idOf('grant'),
  run: runView.optional(),
  approval: approvalView.optional(),
  /** why none was requested */
  error: z.object({ code: z.string(), detail: z.string() }).optional(),
});
const openedAnswer = z.object({ items: z.array(opened), ...shownNames });

/** What ended leases could get again: proposals, and requests for a person to approve. */
@Controller()
export class RegrantsController {
  constructor(
    private readonly logClient: LogClient,
    private readonly leases: LeaseRequests,
    private readonly names: PersonNames,
  ) {}

  @Endpoint({
    method: 'GET',
    path: '/v1/revocations/:id/regrants',
    summary: 'What the root leases that a revocation ended could get again: no more than was left of each',
    roles: ['responder', 'orchestrator', 'analyst'],
    answer: regrantsAnswer.extend(shownNames),
  })
  async list(
    @Ctx() { caller }: RequestContext,
    @Params(revocationId) { id }: RevocationId,
    @Query(listQuery) query: ListQuery,
  ): Promise<unknown> {
    const { tenant } = caller;
    return this.names.shown(caller, await this.logClient.ledger<RegrantsAnswer>('regrants', { tenant, id, ...query }));
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/revocations/:id/regrants',
    summary: 'Ask people to grant again what was left of ended leases: each gets a new run, once it is approved',
    roles: ['orchestrator'],
    answer: openedAnswer,
  })
  async accept(
    @Ctx() context: RequestContext,
    @Params(revocationId) { id }: RevocationId,
    @Body(regrantsBody) { accept, expiresAt }: Accept,
  ): Promise<unknown> {
    const { caller } = context;
    const grantIds = [...new Set(accept)];
    const query = { tenant: caller.tenant, id, grantIds, ...(expiresAt === undefined ? {} : { expiresAt }) };
    const { items, asOf } = await this.logClient.ledger<RegrantsAnswer>('regrants', query);
    const made: z.infer<typeof opened>[] = [];
    for (const [at, grantId] of grantIds.entries()) {
      const proposal = items.find((each) => each.grantId === grantId);
      made.push({
        grantId,
        ...(await this.opened(forOne(context, at), { grantId, revocationId: id, asOf }, proposal)),
      });
    }
    return this.names.shown(caller, { items: made });
  }

  /** One that is refused keeps no other from being requested. */
  private async opened(
    context: Pick<RequestContext, 'caller' | 'command'>,
    of: Omit<RegrantBound, 'atMost'>,
    proposal: RegrantProposal | undefined,
  ): Promise<Omit<z.infer<typeof opened>, 'grantId'>> {
    if (!proposal) return failed('NOT_FOUND', `${of.grantId} is no root lease that ${of.revocationId} ended`);
    const { proposed, whyNot = 'nothing was left', agent, requestedBy, purpose } = proposal;
    if (!proposed || requestedBy === null || purpose === null) return failed('CONFLICT', whyNot);
    const { attestedBy: _attestedBy, ...stated } = agent;
    const body = { agent: stated, requestedBy, purpose, grant: requestOf(proposed), requireApproval: true };
    try {
      const { run, approval } = await this.leases.open(context, body, { ...of, atMost: proposed });
      return { run, ...(approval ? { approval } : {}) };
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return failed(error.code, error.detail);
    }
  }
}

const failed = (code: string, detail: string) => ({ error: { code, detail } });

/** The commands of one request are distinguished by their place in it. */
const forOne = (context: RequestContext, at: number): Pick<RequestContext, 'caller' | 'command'> => ({
  caller: context.caller,
  command: (type, log, fields) => context.command(type, log, fields, String(at)),
});
