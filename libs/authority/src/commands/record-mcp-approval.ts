import { ok } from '@bailiwick/core/result';
import { refuse, type Decide } from './types';

/** Records the approval of what an MCP server offers. It changes nothing in the state: enforcement points compare it. */
export const recordMcpApproval: Decide<'recordMcpApproval'> = (_state, command) => {
  const { actor, server, digest, identity, tools } = command;
  if (actor.kind === 'run') return refuse('FORBIDDEN', 'a run may not approve the tools of a server');
  return ok([{ type: 'McpServerApproved', data: { server, digest, identity, tools } }]);
};
