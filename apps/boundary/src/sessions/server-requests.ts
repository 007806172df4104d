import { err, ok, type Result } from '@bailiwick/core/result';
import type { Operation } from '../calls/operations';
import { isObject } from '../json-text';
import { BOUNDARY_LIMITS } from '../boundary-limits';

type Json = Record<string, unknown>;

/** The requests that an upstream may send, each with the capability that a client must have for it. */
export const SERVER_REQUESTS: Readonly<Record<string, string>> = {
  'roots/list': 'roots',
  'sampling/createMessage': 'sampling',
  'elicitation/create': 'elicitation',
};

/** Returns the capabilities of a client that are about requests of servers, in a form that is the same for the same ones. */
export function capabilitiesOf(stated: unknown): Json {
  const { roots, sampling, elicitation } = isObject(stated) ? stated : {};
  return {
    ...(isObject(roots) ? { roots: {} } : {}),
    ...(isObject(sampling)
      ? {
          sampling: {
            ...(isObject(sampling.context) ? { context: {} } : {}),
            ...(isObject(sampling.tools) ? { tools: {} } : {}),
          },
        }
      : {}),
    ...(isObject(elicitation) ? { elicitation: modesOf(elicitation) } : {}),
  };
}

/** Without a mode it is that of forms. */
const modesOf = ({ form, url }: Json): Json => ({
  ...(isObject(form) || !isObject(url) ? { form: {} } : {}),
  ...(isObject(url) ? { url: {} } : {}),
});

/**
 * Reads a request of an upstream to a client.
 * @param capabilities those of the client that the lease could permit
 * @returns as the error, why the client must not get it
 */
export function serverOperation(
  server: string,
  method: string,
  params: Json,
  capabilities: Json,
): Result<Operation, string> {
  const capability = SERVER_REQUESTS[method];
  const declared = capability === undefined ? undefined : capabilities[capability];
  if (!isObject(declared)) return err('this client has no such capability');
  if (JSON.stringify(params).length > BOUNDARY_LIMITS.serverRequestChars) return err('the request is too large');
  const fault = method === 'elicitation/create' ? elicitationFault(params, declared) : undefined;
  if (fault !== undefined) return err(fault);
  return ok({ tool: method, args: params, resource: { type: 'mcp', id: `${server}/${method}` } });
}

/** A page that a person is sent to is one of the web: other schemes run something on their machine. */
function elicitationFault({ mode = 'form', url }: Json, declared: Json): string | undefined {
  if (mode === 'form') return declared.form === undefined ? 'this client shows no forms' : undefined;
  if (mode !== 'url' || declared.url === undefined) return 'this client has no such mode of elicitation';
  if (typeof url !== 'string' || url.length > BOUNDARY_LIMITS.uriChars || !URL.canParse(url))
    return 'the address of the elicitation is not usable';
  const { protocol, username, password, hostname } = new URL(url);
  if (username !== '' || password !== '') return 'the address of the elicitation has credentials';
  const isLocal = protocol === 'http:' && (hostname === 'localhost' || hostname === '127.0.0.1');
  return protocol === 'https:' || isLocal ? undefined : 'the address of the elicitation is not one of https';
}
