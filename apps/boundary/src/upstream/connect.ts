import type { Logger } from '@bailiwick/platform/logging';
import { searchPath } from '@bailiwick/platform/config';
import type { ServerConfig } from '../servers/server-config';
import type { Connection } from './connection';
import { StdioConnection } from './stdio';
import { HttpConnection } from './streamable-http';

/** Opens the connection of a registered server. A process gets nothing of the environment of this one but PATH. */
export function connect(name: string, { upstream, credentials }: ServerConfig, logger: Logger): Connection {
  if ('url' in upstream) return new HttpConnection(upstream.url, credentials?.headers ?? {});
  const { command, args = [], env = {} } = upstream;
  return new StdioConnection({ command, args, env: { PATH: searchPath(), ...env } }, logger.child({ server: name }));
}
