import { clientSecretUse, type McpServerConfig } from '@bailiwick/contracts/mcp/mcp-server';
import { searchPath, type Config } from '@bailiwick/platform/config';
import type { Logger } from '@bailiwick/platform/logging';
import { Networks } from '@bailiwick/platform/networks';
import { Outbound } from '@bailiwick/platform/outbound/outbound';
import type { Secrets } from '../servers/secrets';
import { NotReached, type Connection } from './connection';
import { StdioConnection } from './stdio';
import { ClientCredentials } from './oauth/client-credentials';
import { HttpConnection } from './streamable-http';

/** A registered server. */
export interface RegisteredServer {
  readonly tenant: string;
  readonly name: string;
  readonly config: McpServerConfig;
  /** of what the name stands for: its address or its command line, without credentials */
  readonly identity: string;
  /** `file`: the operator stated it in `mcp.json`; `api`: an administrator registered it */
  readonly source: 'file' | 'api';
}

/** Opens the connection of a registered server. @throws NotReached if it may not be reached, or a secret is missing */
export type Connector = (server: RegisteredServer) => Connection;

/** Makes connections as the installation allows them. A process gets nothing of the environment of this one but PATH. */
export function connectorFor(upstreams: Config['upstreams'], secrets: Secrets, logger: Logger): Connector {
  const publicly = new Outbound(new Networks(upstreams.networks));
  return (server) => {
    const { name, config, source } = server;
    const { upstream, credentials, auth } = config;
    const secret = (value: Parameters<Secrets['resolve']>[0], of: string): string => secrets.resolve(value, server, of);
    if ('url' in upstream) {
      const addresses = [upstream.url, ...(auth ? [auth.issuer] : [])];
      const stated = source === 'file' ? addresses.flatMap(statedNetworks) : [];
      const outbound = stated.length === 0 ? publicly : new Outbound(new Networks([...upstreams.networks, ...stated]));
      const token =
        auth &&
        new ClientCredentials(
          {
            ...auth,
            scope: auth.scope,
            clientSecret: () => secret(auth.clientSecret, clientSecretUse(auth.issuer)),
            resource: upstream.url,
          },
          outbound,
        );
      const headers = async (): Promise<Record<string, string>> => ({
        ...mapped(credentials?.headers ?? {}, (value, header) => secret(value, header)),
        ...(await token?.headers()),
      });
      return new HttpConnection(upstream.url, { headers, refused: () => token?.refused() }, outbound);
    }
    if (source === 'api' && !upstreams.commands)
      throw new NotReached('commands may not be registered over the API (BAILIWICK_UPSTREAM_COMMANDS)');
    const { command, args = [], env = {} } = upstream;
    const environment = { PATH: searchPath(), ...mapped(env, (value, variable) => secret(value, variable)) };
    return new StdioConnection(
      { command, args, env: environment, ...(upstreams.user ? { user: upstreams.user } : {}) },
      logger.child({ server: name }),
    );
  };
}

const mapped = <T>(
  values: Readonly<Record<string, T>>,
  map: (value: T, name: string) => string,
): Record<string, string> =>
  Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value, name)]));

/** The operator who states an address of this machine or a private one in `mcp.json` allows it thereby; a name states none. */
function statedNetworks(address: string): string[] {
  const host = new URL(address).hostname.replace(/^\[|\]$/g, '');
  if (host === 'localhost') return ['127.0.0.0/8', '::1'];
  const isStated = /^[\d.]+$/.test(host) || host.includes(':');
  const isLinkLocal = /^(169\.254\.|fe[89ab])/i.test(host);
  return isStated && !isLinkLocal ? [host] : [];
}
