import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import type { CallAnswer, ToolCalls } from '../calls/tool-calls';
import { UpstreamGone } from '../upstream/connection';
import type { Upstream } from '../upstream/upstream';
import { isObject } from '../json-text';
import type { AgentMessage } from './message';
import { negotiated, STATELESS, SUPPORTED } from './revisions';

/** The member of `_meta` in which a client may name an approval; it is not passed on. */
export const APPROVAL = 'dev.bailiwick/approvalId';

/** The context of a request of an agent. */
export interface Asked {
  readonly claims: TokenClaims;
  readonly upstream: Upstream;
  readonly revision: string;
  /** aborted when the client goes away or cancels the request */
  readonly signal: AbortSignal;
  /** sends a notification ahead of the answer; undefined if the client does not take any */
  readonly notify: ((method: string, params: Record<string, unknown>) => void) | undefined;
}

/** The answer to a request: the text of its result, or an error, with the status of HTTP. */
export type MethodAnswer =
  | { readonly status: 200; readonly result: string }
  | {
      readonly status: number;
      readonly error: { readonly code: number; readonly message: string; readonly data?: unknown };
    };

const SERVER = { name: 'bailiwick', version: '0.1.0' };
const CAPABILITIES = { tools: {} };

/** Answers the methods of MCP that the boundary passes on. All others do not exist. */
export class Methods {
  constructor(private readonly calls: ToolCalls) {}

  async answer(message: AgentMessage, asked: Asked): Promise<MethodAnswer> {
    try {
      return await this.answered(message, asked);
    } catch (error) {
      if (error instanceof Refused) return failed(error.detail, { code: error.code });
      if (error instanceof UpstreamGone) return failed(error.message, { code: 'UPSTREAM_FAILED' });
      throw error;
    }
  }

  private async answered({ method, params }: AgentMessage, asked: Asked): Promise<MethodAnswer> {
    const isStateless = asked.revision === STATELESS;
    if (method === 'tools/list') return done(await this.list(asked, isStateless));
    if (method === 'tools/call') return this.call(params, asked, isStateless);
    if (isStateless && method === 'server/discover') return done(JSON.stringify(discovered()));
    if (!isStateless && method === 'initialize')
      return done(
        JSON.stringify({
          protocolVersion: negotiated(params.protocolVersion),
          capabilities: CAPABILITIES,
          serverInfo: SERVER,
        }),
      );
    if (!isStateless && method === 'ping') return done('{}');
    return {
      status: isStateless ? 404 : 200,
      error: { code: -32601, message: `Method not found: ${method.slice(0, 100)}` },
    };
  }

  private async list({ claims, upstream }: Asked, isStateless: boolean): Promise<string> {
    const tools = (await this.calls.list(claims, upstream)).join(',');
    // of one lease, which may end at any time
    const caching = isStateless ? ',"resultType":"complete","ttlMs":0,"cacheScope":"private"' : '';
    return `{"tools":[${tools}]${caching}}`;
  }

  private async call(params: Record<string, unknown>, asked: Asked, isStateless: boolean): Promise<MethodAnswer> {
    const { name, arguments: args = {} } = params;
    if (typeof name !== 'string' || !isObject(args))
      return { status: 200, error: { code: -32602, message: 'tools/call takes a name and arguments' } };
    const { meta, approvalId, token } = readMeta(params._meta);
    const { notify } = asked;
    const { _meta: _, ...rest } = params;
    const requested = {
      name,
      args,
      params: { ...rest, ...(meta === undefined ? {} : { _meta: meta }) },
      approvalId,
      onProgress:
        token === undefined || !notify
          ? undefined
          : (progress: Record<string, unknown>) =>
              notify('notifications/progress', { ...progress, progressToken: token }),
    };
    const answer = await this.calls.call(asked.claims, asked.upstream, requested, asked.signal);
    return isStateless ? completed(answer) : answered(answer);
  }
}

/** What `server/discover` answers: the same for every agent, and nothing of the upstream. */
const discovered = () => ({
  resultType: 'complete',
  supportedVersions: SUPPORTED,
  capabilities: CAPABILITIES,
  ttlMs: 0,
  cacheScope: 'private',
  _meta: { 'io.modelcontextprotocol/serverInfo': SERVER },
});

/** Members of `_meta` that are about this connection; an upstream has a separate connection. */
const OF_CONNECTION = /^io\.modelcontextprotocol\//;

function readMeta(meta: unknown): {
  meta: Record<string, unknown> | undefined;
  approvalId: string | undefined;
  token: string | number | undefined;
} {
  if (!isObject(meta)) return { meta: undefined, approvalId: undefined, token: undefined };
  const { progressToken, [APPROVAL]: approval, ...others } = meta;
  const passed = Object.entries(others).filter(([name]) => !OF_CONNECTION.test(name));
  return {
    meta: passed.length === 0 ? undefined : Object.fromEntries(passed),
    approvalId: typeof approval === 'string' && /^apr_[0-9a-z_]{1,60}$/.test(approval) ? approval : undefined,
    token: typeof progressToken === 'string' || typeof progressToken === 'number' ? progressToken : undefined,
  };
}

const done = (result: string): MethodAnswer => ({ status: 200, result });
const answered = (answer: CallAnswer): MethodAnswer => ({ status: 200, ...answer });
const failed = (message: string, data: unknown): MethodAnswer => ({
  status: 200,
  error: { code: -32603, message, data },
});

/** Adds the type of a result that an older server does not state. An unknown type makes the result invalid. */
function completed(answer: CallAnswer): MethodAnswer {
  if (!('result' in answer)) return answered(answer);
  const { resultType } = JSON.parse(answer.result) as { resultType?: unknown };
  if (resultType === 'complete') return done(answer.result);
  if (resultType !== undefined)
    return failed('the upstream sent a result of another type', { code: 'UPSTREAM_FAILED' });
  const members = answer.result.trim().slice(1);
  return done(`{"resultType":"complete"${members === '}' ? '' : ','}${members}`);
}
