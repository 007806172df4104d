import { readFileSync, writeFileSync } from 'node:fs';
import { Inject, Injectable } from '@nestjs/common';
import {
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
  admit({ upstream }: McpServerRequest): void {
    if (!('url' in upstream)) {
      if (this.config.upstreams.commands) return;
      throw new Refused(
        'FORBIDDEN',
        'a command would run on the machine of the boundary: the operator allows this with BAILIWICK_UPSTREAM_COMMANDS=on, or registers it in mcp.json',
      );
    }
    const refused = new Networks(this.config.upstreams.networks).refusedIn(new URL(upstream.url));
    if (refused === undefined) return;
    throw new Refused(
      'FORBIDDEN',
      `${refused} is not in the public network: the operator allows its network with BAILIWICK_UPSTREAM_NETWORKS, or registers it in mcp.json`,
    );
  }

  /** Encrypts the secrets of a server for the boundary, bound to its tenant, name and address. */
  stored(tenant: string, name: string, request: McpServerRequest, identity: string): StoredMcpServer {
    const { upstream, credentials, tools } = request;
    const sealed = ([header, value]: [string, SecretValue]): [string, Exclude<SecretValue, string>] => [
      header,
      typeof value === 'string'
        ? { sealed: this.ownSealer().seal(value, sealingContext(tenant, name, identity, header)) }
        : value,
    ];
    return {
      upstream,
      ...(credentials && {
        credentials: {
          headers: Object.fromEntries(Object.entries<SecretValue>(credentials.headers as Headers).map(sealed)),
        },
      }),
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
