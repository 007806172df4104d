import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import type { delegationBody, openRunBody } from '@bailiwick/contracts/http/bodies';
import type { RegrantBound } from '@bailiwick/contracts/revocations/regrants';
import { logName } from '@bailiwick/core/ids';
import type { Caller } from '../auth/caller';
import { Workloads } from '../auth/issuers/workloads';
import { payloadOf, Pseudonyms } from '../auth/pseudonyms';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { LogClient } from '../log-client/log-client';
import { logOf, ownGrant } from '../log-client/logs';
import type { Issued } from './issued';

type CommandContext = Pick<RequestContext, 'caller' | 'command'>;

/**
 * A person opens runs in their own name; a service may state another's, and the record names the service as the one that
 * stated it.
 */
function inOwnName(caller: Caller, principalRef: string): void {
  if (caller.kind === 'key' && caller.person !== undefined && caller.actor.id !== principalRef)
    throw new Refused('FORBIDDEN', `a person opens runs in their own name: set requestedBy to ${caller.person}`);
}

/** Requests leases of the owner of a log: the one way for the REST routes and for the token endpoint. */
@Injectable()
export class LeaseRequests {
  constructor(
    private readonly logClient: LogClient,
    private readonly pseudonyms: Pseudonyms,
    private readonly workloads: Workloads,
  ) {}

  /**
   * Opens a root run.
   * @param regrants it gets no more than was left of an ended lease, once a person has approved it
   * @throws Refused with the refusal of the owner
   */
  async open(context: CommandContext, body: z.infer<typeof openRunBody>, regrants?: RegrantBound): Promise<Issued> {
    const { tenant } = context.caller;
    const principalRef = this.pseudonyms.ref(tenant, 'person', body.requestedBy);
    inOwnName(context.caller, principalRef);
    const command = context.command('openRun', logName(tenant, 0), {
      agent: await this.workloads.attested(tenant, body),
      principalRef,
      purposeRef: this.pseudonyms.ref(tenant, 'purpose', body.purpose),
      grant: body.grant,
      ...(body.requireApproval === undefined ? {} : { requireApproval: body.requireApproval }),
      ...(regrants === undefined ? {} : { regrants }),
      payload: payloadOf({ purpose: body.purpose, requestedBy: body.requestedBy }),
    });
    return this.logClient.command<Issued>(command);
  }

  /** Makes a child run of a grant (I1). @throws Refused with the refusal of the owner */
  async delegate(context: CommandContext, grantId: string, body: z.infer<typeof delegationBody>): Promise<Issued> {
    const { caller } = context;
    ownGrant(caller, grantId);
    const command = context.command('delegate', logOf(caller, grantId), {
      grantId,
      agent: await this.workloads.attested(caller.tenant, body),
      purposeRef: this.pseudonyms.ref(caller.tenant, 'purpose', body.purpose ?? body.task),
      grant: body.grant,
      payload: payloadOf({ task: body.task, purpose: body.purpose }),
    });
    return this.logClient.command<Issued>(command);
  }
}
