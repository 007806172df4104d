import { Inject, Injectable } from '@nestjs/common';
import { rfc3339, systemClock } from '@bailiwick/core/clock';
import type { Caller } from '../../auth/caller';
import { CONFIG, type GatewayConfig } from '../../config';
import type { Evaluation } from '../evaluation';
import type { Tried } from '../evaluations';
import { requestEndpoint } from '../metadata';
import { DenialBindings } from './denial-bindings';
import { afterDenial } from './re-evaluation';

type Json = Record<string, unknown>;

/** Adds to a denial how access can be requested, if a person was asked. A denial remains one. */
@Injectable()
export class RequestableDenials {
  constructor(
    private readonly bindings: DenialBindings,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  /** Returns the members of the context of a decision; none for a permit. */
  async contextOf({ tenant }: Caller, { asked, approvalId }: Evaluation, { grantId, answer }: Tried): Promise<Json> {
    if (answer.decision === 'permit') return {};
    const access = answer.decision === 'step-up' ? await this.accessRequest(tenant, grantId, asked, answer) : undefined;
    return {
      ...(access === undefined
        ? {}
        : {
            evaluation_id: answer.actionId,
            evaluated_at: rfc3339(systemClock.now()),
            reason: 'approval_required',
            access_request: access,
          }),
      ...(approvalId === undefined ? {} : afterDenial(answer, access !== undefined)),
    };
  }

  private accessRequest(
    tenant: string,
    grantId: string,
    asked: Evaluation['asked'],
    { actionId, approvalId, expiresAt }: Tried['answer'],
  ): Promise<Json | undefined> {
    if (approvalId === undefined) return Promise.resolve(undefined);
    const denial = { tenant, grantId, actionId, approvalId, until: Date.parse(expiresAt) };
    return this.bindings.make(requestEndpoint(this.config.publicUrl), denial, asked);
  }
}
