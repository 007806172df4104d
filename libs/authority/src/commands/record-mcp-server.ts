import { ok } from '@bailiwick/core/result';
import { refuse, type Decide } from './types';

/** Records that an MCP server was registered or removed. It changes nothing in the state: the boundary reads the servers. */
export const recordMcpServer: Decide<'recordMcpServer'> = (_state, command) => {
  const { actor, server, change, identity } = command;
  if (actor.kind === 'run') return refuse('FORBIDDEN', 'a run may not change the MCP servers of its tenant');
  const data = { server, change, ...(identity === undefined ? {} : { identity }) };
  return ok([{ type: 'McpServerChanged', data }]);
};
