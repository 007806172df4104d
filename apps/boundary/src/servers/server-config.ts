import { z } from 'zod';
import { mcpServerName } from '@bailiwick/contracts/mcp/mcp-pin';
import { BOUNDARY_LIMITS } from '../limits';

const header = z
  .string()
  .regex(/^[\t\x20-\x7e]*$/, 'must be printable ASCII')
  .max(8_192);
const text = z
  .string()
  .max(8_192)
  .regex(/^[^\0]*$/);

/** Headers that the protocol sets. */
const RESERVED = /^(content-(type|length)|host|accept|connection|transfer-encoding|mcp-.*)$/i;

const http = z.strictObject({ url: z.url({ protocol: /^https?$/ }).max(2_048) });
const stdio = z.strictObject({
  command: text.min(1),
  args: z.array(text).max(100).optional(),
  /** the whole environment of the process, except PATH unless it is stated here */
  env: z.record(z.string().regex(/^[A-Za-z_]\w*$/), text).optional(),
});

/** A registered upstream server. It belongs to one tenant. */
export const serverConfig = z
  .strictObject({
    tenant: z
      .string()
      .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
      .default('default'),
    upstream: z.union([http, stdio], { error: 'must be { url } or { command, args?, env? }' }),
    /** sent to the upstream with every request; agents never see them */
    credentials: z
      .strictObject({
        headers: z
          .record(z.string().regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/), header)
          .refine((value) => !Object.keys(value).some((name) => RESERVED.test(name)), {
            error: 'names a header that the protocol sets',
          }),
      })
      .optional(),
  })
  .refine(({ upstream, credentials }) => credentials === undefined || 'url' in upstream, {
    error: 'credentials are for an upstream with a url; a command takes them from env',
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
