import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import { openRunBody } from '@bailiwick/contracts/http/bodies';
import { contextFor, type Incoming } from '../http/request-context';
import { OAuthRefused } from '../http/problems/oauth-error';
import { PolicyVersions } from '../policies/policy-versions';
import { LeaseRequests } from '../runs/lease-requests';
import { LEASE_TYPE, readDetails } from './authorization-details';
import type { Client } from './clients';
import type { Form } from './form';
import { agentOf, TokenExchange, type TokenResponse } from './token-exchange';

type RunBody = Pick<z.input<typeof openRunBody>, 'agent' | 'attestation' | 'purpose' | 'grant'>;

interface Opening {
  readonly client: Client;
  /** the principal of the run */
  readonly requestedBy: string;
  /** what the token is for; undefined: this installation */
  readonly audience: readonly string[] | undefined;
}

/** Opens root runs for OAuth clients, by the command of `POST /v1/runs`. */
@Injectable()
export class RootRuns {
  constructor(
    private readonly leases: LeaseRequests,
    private readonly exchanges: TokenExchange,
    private readonly policies: PolicyVersions,
  ) {}

  /** @throws Refused */
  async open(request: Incoming, form: Form, { client, requestedBy, audience }: Opening): Promise<TokenResponse> {
    const jkt = await this.exchanges.proofKey(request, client.tenant);
    const { grant = {}, ...asked } = await this.askedFor(form, client);
    const body = openRunBody.safeParse({
      ...asked,
      requestedBy,
      grant: jkt === undefined ? grant : { ...grant, session: { jkt } },
    });
    if (!body.success)
      throw new OAuthRefused('invalid_authorization_details', body.error.issues[0]?.message ?? 'malformed');
    return this.exchanges.respond(client, await this.leases.open(contextFor(client, request), body.data), audience);
  }

  private async askedFor(form: Form, client: Client): Promise<RunBody> {
    const text = form.get('authorization_details');
    if (text === undefined) return this.byManifest(client);
    const { agent = agentOf(client), task, purpose = task, grant, attestation } = readDetails(text);
    return { agent, purpose, grant, ...(attestation === undefined ? {} : { attestation }) };
  }

  /**
   * Clients of MCP send no details. One whose name is that of a class gets the lease that the manifest of this class
   * states, and the words of the manifest as its purpose; a manifest for all other classes is about no client in particular.
   * @throws OAuthRefused invalid_authorization_details if there is no such manifest
   */
  private async byManifest(client: Client): Promise<RunBody> {
    const agent = agentOf(client);
    const { bundle } = await this.policies.find(client.tenant, undefined);
    const { lease, words } = bundle.agents?.find((each) => each.class === agent.class) ?? {};
    if (lease === undefined || words === undefined)
      throw new OAuthRefused(
        'invalid_authorization_details',
        `authorization_details: send one object of type ${LEASE_TYPE}; only a client whose class has a manifest with lease and words may leave it out, and the policy has none for ${agent.class}`,
      );
    return { agent, purpose: words, grant: {} };
  }
}
