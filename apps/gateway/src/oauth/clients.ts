import { ClientAssertions } from './client-assertions';
import { Injectable } from '@nestjs/common';
import { Admission } from '../auth/admission';
import type { Role } from '../auth/api-keys';
import { hasRole, type Caller } from '../auth/caller';
import { OAuthRefused } from '../http/problems/oauth-error';
import { Refused } from '../http/problems/problem';
import type { Incoming } from '../http/request-context';
import type { Form } from './form';

export type Client = Extract<Caller, { kind: 'key' }>;
type Request = Pick<Incoming, 'url' | 'headers'>;

interface Credentials {
  readonly id: string;
  readonly secret: string;
}

/**
 * Authenticates OAuth clients: the holders of API keys, whose secret is the key (RFC 6749 section 2.3.1), in the header
 * or in the form. The name of the client is that of its key, with or without `key:`.
 */
@Injectable()
export class OAuthClients {
  constructor(
    private readonly admission: Admission,
    private readonly assertions: ClientAssertions,
  ) {}

  /**
   * Returns the client of a request, or undefined if it presents no credentials.
   * @throws OAuthRefused invalid_client for wrong ones, invalid_request for two kinds of them (RFC 6749 §2.3)
   */
  async authenticate(request: Request, form: Form): Promise<Client | undefined> {
    const { authorization } = request.headers;
    const secret = form.get('client_secret');
    const isAsserted = form.get('client_assertion') !== undefined || form.get('client_assertion_type') !== undefined;
    const ways = [authorization !== undefined, secret !== undefined, isAsserted];
    if (ways.filter(Boolean).length > 1)
      throw new OAuthRefused('invalid_request', 'send the credentials of the client in one way only');
    if (isAsserted) return this.assertions.authenticate(form);
    if (authorization !== undefined) {
      const basic = basicCredentials(authorization);
      if (!basic)
        throw new OAuthRefused('invalid_client', 'authenticate with HTTP Basic, or client_secret in the form');
      const named = form.get('client_id');
      if (named !== undefined && named !== basic.id)
        throw new OAuthRefused('invalid_request', 'client_id is not the client of the header');
      return this.holder(basic);
    }
    return secret === undefined ? undefined : this.holder({ id: form.need('client_id'), secret });
  }

  /** @throws OAuthRefused invalid_client unless there is a client with one of the roles */
  async require(request: Request, form: Form, roles: readonly Role[]): Promise<Client> {
    const client = await this.authenticate(request, form);
    if (!client) throw new OAuthRefused('invalid_client', 'authenticate the client: its name, and its key as secret');
    return withRole(client, roles);
  }

  /**
   * Returns the caller of a request that may also be a run with its own token, as bearer or with a proof (RFC 7662 §2.1).
   * @throws OAuthRefused invalid_client
   */
  async callerOf(request: Request, form: Form, roles: readonly Role[]): Promise<Caller> {
    const { authorization, dpop } = request.headers;
    if (!/^(bearer|dpop) /i.test(authorization ?? '')) return this.require(request, form, roles);
    if (form.get('client_secret') !== undefined || form.get('client_assertion') !== undefined)
      throw new OAuthRefused('invalid_request', 'send the credentials of the client in one way only');
    const caller = await this.admission.callerWith({ authorization, dpop, method: 'POST', url: request.url });
    return caller.kind === 'key' ? withRole(caller, roles) : caller;
  }

  private async holder({ id, secret }: Credentials): Promise<Client> {
    const wrong = new OAuthRefused('invalid_client', 'the client is unknown, or its secret is wrong');
    // a token of a run is no secret of a client
    if (secret.startsWith('eyJ')) throw wrong;
    const authorization = `Bearer ${secret}`;
    const caller = await this.admission
      .callerWith({ authorization, dpop: undefined, method: 'POST', url: '/' })
      .catch((error: unknown) => {
        throw error instanceof Refused && error.code === 'UNAUTHENTICATED' ? wrong : error;
      });
    if (caller.kind !== 'key' || !namesOf(caller).includes(id)) throw wrong;
    return caller;
  }
}

/** The names under which a client may authenticate; an identity provider knows it by one of them. */
export const namesOf = (client: Client): string[] => {
  const { via } = client.actor;
  const name = nameOf(client);
  return [...(via?.startsWith('key_') ? [via] : []), `key:${name}`, name];
};

/** The name of its key: of the class that it is of if its request names none. */
export const nameOf = ({ actor: { id }, keyName = id.replace(/^key:/, '') }: Client): string => keyName;

/** @throws OAuthRefused unauthorized_client */
export function withRole(client: Client, roles: readonly Role[]): Client {
  if (!hasRole(client, roles))
    throw new OAuthRefused('unauthorized_client', `the client may not do this; it takes the role ${roles.join(', ')}`);
  return client;
}

/** Reads the credentials of a header; each part is form-encoded before they are joined (RFC 6749 §2.3.1). */
function basicCredentials(authorization: string): Credentials | undefined {
  const encoded = /^basic +([A-Za-z0-9+/]{1,4096}={0,2})$/i.exec(authorization)?.[1];
  const [, id, secret] = /^([^:]*):(.*)$/s.exec(Buffer.from(encoded ?? '', 'base64').toString()) ?? [];
  if (id === undefined || secret === undefined) return undefined;
  try {
    const decode = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '));
    return { id: decode(id), secret: decode(secret) };
  } catch {
    return undefined;
  }
}
