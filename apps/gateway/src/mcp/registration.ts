import { readFileSync, writeFileSync } from 'node:fs';
import { Inject, Injectable } from '@nestjs/common';
import {
  clientSecretUse,
  sealingContext,
  type McpServerRequest,
  type SecretValue,
  type StoredMcpServer,
} from '@bailiwick/contracts/mcp/mcp-server';
import { Sealer } from '@bailiwick/edge/sealing/sealing';
import { Networks } from '@bailiwick/platform/networks';
import { CONFIG, type GatewayConfig } from '../config';
import { Refused } from '../http/problems/problem';

type Headers = Readonly<Record<string, SecretValue>>;

/** What this installation admits as an MCP server, and the form in which it is stored. */
@Injectable()
export class Registration {
  private sealer: Sealer | undefined;

  constructor(@Inject(CONFIG) private readonly config: Pick<GatewayConfig, 'files' | 'upstreams'>) {}

  /** @throws Refused FORBIDDEN for a command, or an address in a network, that the operator has not allowed */
  admit({ upstream, auth }: McpServerRequest): void {
    if (!('url' in upstream)) {
      if (this.config.upstreams.commands) return;
      throw new Refused(
        'FORBIDDEN',
        'a command would run on the machine of the boundary: the operator allows this with BAILIWICK_UPSTREAM_COMMANDS=on, or registers it in mcp.json',
      );
    }
    const networks = new Networks(this.config.upstreams.networks);
    const addresses = [upstream.url, ...(auth ? [auth.issuer] : [])];
    const refused = addresses.map((each) => networks.refusedIn(new URL(each))).find((each) => each !== undefined);
    if (refused === undefined) return;
    throw new Refused(
      'FORBIDDEN',
      `${refused} is not in the public network: the operator allows its network with BAILIWICK_UPSTREAM_NETWORKS, or registers it in mcp.json`,
    );
  }

  /** Encrypts the secrets of a server for the boundary, bound to its tenant, name and address. */
  stored(tenant: string, name: string, request: McpServerRequest, identity: string): StoredMcpServer {
    const { upstream, credentials, auth, tools } = request;
    const sealed = (use: string, value: SecretValue): Exclude<SecretValue, string> =>
      typeof value === 'string'
        ? { sealed: this.ownSealer().seal(value, sealingContext(tenant, name, identity, use)) }
        : value;
    const headers = Object.entries<SecretValue>((credentials?.headers ?? {}) as Headers);
    return {
      upstream,
      ...(credentials && {
        credentials: { headers: Object.fromEntries(headers.map(([each, value]) => [each, sealed(each, value)])) },
      }),
      ...(auth && { auth: { ...auth, clientSecret: sealed(clientSecretUse(auth.issuer), auth.clientSecret) } }),
      ...(tools && { tools }),
    };
  }

  /** The local supervisor starts the boundary once `mcp.json` exists. Elsewhere it runs already, and the folder may be read-only. */
  startBoundary(): void {
    try {
      writeFileSync(this.config.files.mcp, '{ "servers": {} }\n', { flag: 'wx', mode: 0o600 });
    } catch {
      // it exists, or is not for this process to write
    }
  }

  private ownSealer(): Sealer {
    try {
      return (this.sealer ??= new Sealer(readFileSync(this.config.files.upstreamPublicKey, 'utf8')));
    } catch {
      throw new Refused(
        'NOT_READY',
        'this gateway has no keys/upstream.pub.pem to encrypt secrets with; restart the installation, or name secrets of mcp-secrets.json',
      );
    }
  }
}
