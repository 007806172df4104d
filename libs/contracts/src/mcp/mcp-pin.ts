import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { digest, time } from '../primitives';

/** The name of a registered upstream MCP server. */
export const mcpServerName = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?$/, 'must be 1 to 32 of a–z, 0–9 and -, not at its ends');

const toolName = z.string().max(LIMITS.mcp.toolNameLength);

/** What an administrator approved of an upstream MCP server. */
export const mcpPin = z.strictObject({
  /** of all of it: identity, names and definitions */
  digest,
  /** of the address or the command line that the name stands for */
  identity: digest,
  /** tool → the digest of its definition */
  tools: z.record(toolName, digest),
  approvedAt: time,
  approvedBy: z.string().max(LIMITS.nameLength),
});
export type McpPin = z.infer<typeof mcpPin>;

/** A tool of an upstream server, with its definition as the server wrote it. */
export const mcpTool = z.strictObject({
  name: toolName,
  digest,
  definition: z.string().max(LIMITS.mcp.definitionChars),
  /** why it cannot be used, whatever is approved */
  fault: z.string().optional(),
});
export type McpTool = z.infer<typeof mcpTool>;

/** What an upstream server offers now. */
export const mcpOffer = z.strictObject({
  name: mcpServerName,
  /** of its identity and all its tools */
  digest: digest.optional(),
  identity: digest,
  tools: z.array(mcpTool),
  /** why its tools cannot be read */
  fault: z.string().optional(),
});
export type McpOffer = z.infer<typeof mcpOffer>;

/** An approval in the log of its tenant. The approved definitions are stored outside of the log, and named by digest. */
export const mcpApproval = z.strictObject({
  server: mcpServerName,
  digest,
  identity: digest,
  tools: z.int().min(0),
});

export const mcpPinRequest = z.strictObject({ tenant: z.string(), server: mcpServerName });
export const mcpApproveRequest = z.strictObject({
  tenant: z.string(),
  server: mcpServerName,
  pin: mcpPin.omit({ approvedAt: true }),
  /** tool → its definition as it was approved */
  definitions: z.record(toolName, z.string().max(LIMITS.mcp.definitionChars)),
});
export const mcpDefinitions = z.strictObject({
  pin: mcpPin.nullable(),
  definitions: z.record(toolName, z.string()),
});
export type McpDefinitions = z.infer<typeof mcpDefinitions>;
