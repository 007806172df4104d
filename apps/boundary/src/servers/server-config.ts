import { z } from 'zod';
import { mcpServerName } from '@bailiwick/contracts/mcp/mcp-pin';
import { mcpServerInFile } from '@bailiwick/contracts/mcp/mcp-server';
import { BOUNDARY_LIMITS } from '../boundary-limits';

/** A server of `mcp.json`. It belongs to one tenant. */
const serverConfig = mcpServerInFile.safeExtend({
  tenant: z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
    .default('default'),
});
export type ServerConfig = z.infer<typeof serverConfig>;

/** The file `mcp.json` of the data folder. */
export const mcpFile = z.strictObject({
  servers: z
    .record(mcpServerName, serverConfig)
    .refine((value) => Object.keys(value).length <= BOUNDARY_LIMITS.servers, {
      error: `has more than ${BOUNDARY_LIMITS.servers} servers`,
    }),
});
