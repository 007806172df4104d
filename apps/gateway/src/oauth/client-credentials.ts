import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, type GatewayConfig } from '../config';
import type { Incoming } from '../http/request-context';
import { nameOf, withRole, type Client } from './clients';
import type { Form } from './form';
import { RootRuns } from './root-runs';
import { targetsIn } from './targets';
import { checkScope, type TokenResponse } from './token-exchange';

export const CLIENT_CREDENTIALS = 'client_credentials';

/**
 * Opens a root run for a client itself (RFC 6749 section 4.4): in the name of the person who holds its key, or in that of the
 * service. It may do nothing that its key may not do with `POST /v1/runs`, and names no other person.
 */
@Injectable()
export class ClientCredentials {
  constructor(
    private readonly runs: RootRuns,
    @Inject(CONFIG) private readonly config: GatewayConfig,
  ) {}

  /** @throws Refused */
  async open(request: Incoming, form: Form, client: Client): Promise<TokenResponse> {
    withRole(client, ['orchestrator']);
    checkScope(form);
    const requestedBy = client.person ?? `service:${nameOf(client)}`;
    return this.runs.open(request, form, { client, requestedBy, audience: targetsIn(form, this.config) });
  }
}
