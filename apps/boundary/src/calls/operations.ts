import { normalizeResourceId } from '@bailiwick/authority/matching/pattern';
import { err, ok, type Result } from '@bailiwick/core/result';
import { isObject } from '../json-text';
import { readUri, resourceIdOf } from './resource-uri';

/** What a request of an agent to an upstream stands for, in the terms of the catalog. */
export interface Operation {
  /** the name of a tool, or a method of MCP, which no tool can be called: names of tools have no slash */
  readonly tool: string;
  /** what the entry of the catalog reads */
  readonly args: Record<string, unknown>;
  /** the resource, unless the entry states one */
  readonly resource: { readonly type: string; readonly id: string };
}

type Params = Record<string, unknown>;

const mcp = (id: string): Operation['resource'] => ({ type: 'mcp', id });

export const toolOperation = (server: string, name: string, args: Params): Operation => ({
  tool: name,
  args,
  resource: mcp(`${server}/${name}`),
});

/** Reading a resource, and being informed that it has changed, are one operation. */
export function resourceOperation(server: string, params: Params): Result<Operation, string> {
  const uri = readUri(params.uri);
  if (!uri.ok) return uri;
  return ok({ tool: READ, args: { ...uri.value }, resource: mcp(resourceIdOf(server, uri.value)) });
}

export function promptOperation(server: string, params: Params): Result<Operation, string> {
  const { name, arguments: args = {} } = params;
  if (!isObject(args) || !Object.values(args).every((each) => typeof each === 'string'))
    return err('the arguments of a prompt are texts');
  const id = promptId(server, name);
  return id.ok ? ok({ tool: GET_PROMPT, args: { name, arguments: args }, resource: mcp(id.value) }) : id;
}

/** A completion of an argument of a prompt, or of a variable of a template. */
export function completionOperation(server: string, params: Params): Result<Operation, string> {
  const { ref, argument, context } = params;
  if (!isObject(ref) || !isObject(argument)) return err('completion/complete takes a ref and an argument');
  const id =
    ref.type === 'ref/prompt'
      ? promptId(server, ref.name)
      : ref.type === 'ref/resource'
        ? templateId(server, ref.uri)
        : err('the ref is neither ref/prompt nor ref/resource');
  if (!id.ok) return id;
  return ok({
    tool: COMPLETE,
    args: { ref, argument, ...(context === undefined ? {} : { context }) },
    resource: mcp(id.value),
  });
}

/** Receiving the log messages of a server. */
export const loggingOperation = (server: string, { level }: Params): Result<Operation, string> =>
  typeof level === 'string'
    ? ok({ tool: LOGGING, args: { level }, resource: mcp(`${server}/logging`) })
    : err('logging/setLevel takes a level');

/** The names under which a catalog has the methods of a server that are no tools: `mcp__{server}__resources/read`. */
export const READ = 'resources/read';
export const GET_PROMPT = 'prompts/get';
export const LOGGING = 'logging/setLevel';
export const COMPLETE = 'completion/complete';

export function promptId(server: string, name: unknown): Result<string, string> {
  if (typeof name !== 'string' || name === '' || name.includes('/')) return err('the name of the prompt is not usable');
  const id = `${server}/prompts/${name}`;
  const normal = normalizeResourceId(id);
  return normal.ok && normal.value === id ? normal : err('the name of the prompt is not usable');
}

/** The part of a template before its first variable, to the last slash, as if it were read; all of the server if it has none. */
function templateId(server: string, template: unknown): Result<string, string> {
  const literal = typeof template === 'string' ? (/^[^{]*(?=\/)/.exec(template)?.[0] ?? '') : '';
  if (!/^[^/]*:\/\/.*[^/]/.test(literal)) return ok(`${server}/resources`);
  const uri = readUri(literal);
  return uri.ok ? ok(resourceIdOf(server, uri.value)) : err('the template is not usable');
}
