import { z } from 'zod';
import { digest } from '../primitives';
import { mcpServerName } from './mcp-pin';

/** A change of the registered servers, in the log of its tenant. */
export const mcpServerChange = z.strictObject({
  server: mcpServerName,
  change: z.enum(['registered', 'removed']),
  /** of the address or the command line that the name stands for from now on */
  identity: digest.optional(),
});
