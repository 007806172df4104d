import { z } from 'zod';
import { digest, time } from '../primitives';

/** The name of a registered upstream MCP server. */
export const mcpServerName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/, 'must be 1 to 32 of a–z, 0–9 and -, not at its ends');

/** What an administrator approved of an upstream MCP server. */
export const mcpPin = z.strictObject({
  /** of all of it: identity, names and definitions */
  digest,
  /** of the address or the command line that the name stands for */
  identity: digest,
  /** tool → the digest of its definition */
  tools: z.record(z.string().max(128), digest),
  approvedAt: time,
  approvedBy: z.string().max(200),
});
export type McpPin = z.infer<typeof mcpPin>;

/** A tool of an upstream server, with its definition as the server wrote it. */
export const mcpTool = z.strictObject({
  name: z.string().max(128),
  digest,
  definition: z.string().max(64 * 1024),
  /** why it cannot be used, whatever is approved */
  fault: z.string().max(1_000).optional(),
});
export type McpTool = z.infer<typeof mcpTool>;
