import { z } from 'zod';
import { mcpServerName } from '@bailiwick/contracts/mcp/mcp-pin';
import { currency } from '@bailiwick/contracts/primitives';
import { PLAIN_LIMITS } from './plain-limits';

const headerName = z.string().regex(/^[A-Za-z0-9!#$%&'*+.^`|~-]{1,100}$/, 'is no name of a header');
const headerValue = z
  .string()
  .regex(/^[\t\x20-\x7e]*$/, 'must be printable ASCII')
  .max(PLAIN_LIMITS.headerChars);

/** Headers that belong to one connection, or that the boundary sets. */
const RESERVED =
  /^(accept-encoding|connection|content-(encoding|length|type)|expect|host|keep-alive|te|trailer|transfer-encoding|upgrade)$/i;
/** Headers of agents that are never passed on: credentials, and what changes the request. */
const NEVER =
  /^(authorization|cookie|dpop|forwarded|proxy-.*|via|x-forwarded-.*|x-original-.*|x-rewrite-url|.*method.*)$/i;

export const tenant = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/)
  .default('default');
/** An address without user information, query and fragment. */
export const upstream = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .max(2_048)
    .regex(/^[^?#@]*$/, 'must have no user information, query or fragment'),
});
/** Sent to the upstream with every request; agents never see them. */
export const credentials = z.strictObject({
  headers: z
    .record(headerName, headerValue)
    .refine((value) => !Object.keys(value).some((name) => RESERVED.test(name)), {
      error: 'names a header that the protocol sets',
    }),
});

/** An HTTP API that agents reach through the boundary. It belongs to one tenant. */
export const api = z.strictObject({
  tenant,
  upstream,
  credentials: credentials.optional(),
  /** headers of agents that are passed on in addition to the usual ones; a decision is for them too */
  headers: z
    .array(
      headerName
        .transform((name) => name.toLowerCase())
        .refine((name) => !RESERVED.test(name) && !NEVER.test(name), { error: 'is a header that is not passed on' }),
    )
    .max(20)
    .default([]),
  /** `sent`: the proxy that asks for authorization sends the body too; `unseen`: it does not */
  authorizedBody: z.enum(['sent', 'unseen']).default('unseen'),
});
export type Api = z.infer<typeof api>;

const tokens = z.int().min(1).max(1_000_000_000);
/** The price of the tokens of a model, in minor units per million, and the most that an answer has of them. */
const model = z.strictObject({
  price: z.strictObject({ currency, input: z.number().min(0).max(1e9), output: z.number().min(0).max(1e9) }).optional(),
  /** reserved for an answer if a request does not state `max_tokens` */
  maxOutputTokens: tokens,
  /** reserved for each part of a message that is no text, such as an image; left out: such a message is refused */
  otherPartTokens: tokens.optional(),
});
export type Model = z.infer<typeof model>;

/** A provider of models with an API in the form of OpenAI's. */
export const models = z.strictObject({
  tenant,
  /** ends with the version, such as https://api.openai.com/v1 */
  upstream,
  credentials: credentials.optional(),
  models: z.record(z.string().regex(/^[\w.:/-]{1,100}$/), model),
});
export type Models = z.infer<typeof models>;

const registered = <T extends z.ZodType>(of: T) =>
  z.record(mcpServerName, of).refine((value) => Object.keys(value).length <= PLAIN_LIMITS.registered, {
    error: `has more than ${PLAIN_LIMITS.registered} members`,
  });

/** The file `http.json` of the data folder. */
export const httpFile = z.strictObject({
  apis: registered(api).default({}),
  models: registered(models).default({}),
});
export type HttpFile = z.infer<typeof httpFile>;
