import { Refused } from '@bailiwick/edge/refused';
import type { Governed } from '../calls/governed';
import { LISTINGS, type Listings } from '../calls/listings';
import { READINGS, type Reads } from '../calls/reads';
import type { Seals } from '../calls/seals';
import type { CallAnswer, RequestedCall, ToolCalls } from '../calls/tool-calls';
import { isObject, withMembers } from '../json-text';
import { bindingOf, type Rounds } from '../sessions/rounds';
import { UpstreamGone } from '../upstream/connection';
import type { Upstream } from '../upstream/upstream';
import { compareArguments } from './argument-headers';
import { approvalAsked, withApprovals } from './approval-pages';
import type { Asked, MethodAnswer } from './asked';
import type { Listening } from './listening';
import type { AgentMessage } from './message';
import { readMeta } from './meta';
import { sealedClient } from './clients';
import { negotiated, STATELESS, SUPPORTED } from './revisions';

/** The parts that answer methods. */
export interface MethodParts {
  readonly calls: ToolCalls;
  readonly listings: Listings;
  readonly reads: Reads;
  readonly rounds: Rounds;
  readonly listening: Listening;
  readonly seals: Seals;
  /** the address of the page on which a person answers an approval */
  readonly approvalPage: (approvalId: string) => string;
}

type Params = Record<string, unknown>;

const SERVER = { name: 'bailiwick', version: '0.1.0' };
/** What one lease sees is for no other, and the lease may end at any time, whatever the server states. */
const UNCACHED = { resultType: '"complete"', ttlMs: '0', cacheScope: '"private"' };
/** Methods that need the connection of one client. */
const WITH_SESSION: ReadonlySet<string> = new Set(['resources/subscribe', 'resources/unsubscribe', 'logging/setLevel']);

/** Answers the methods of MCP that the boundary passes on. All others do not exist. */
export class Methods {
  constructor(private readonly parts: MethodParts) {}

  async answer(message: AgentMessage & { id: string | number }, asked: Asked): Promise<MethodAnswer> {
    try {
      const isStateless = asked.revision === STATELESS;
      return (
        (isStateless ? await this.stateless(message, asked) : await this.withInitialize(message, asked)) ??
        (await this.either(message, asked, isStateless)) ?? {
          status: isStateless ? 404 : 200,
          error: { code: -32601, message: `Method not found: ${message.method.slice(0, 100)}` },
        }
      );
    } catch (error) {
      if (error instanceof Refused) return failed(error.detail, { code: error.code });
      if (error instanceof UpstreamGone) return failed(error.message, { code: 'UPSTREAM_FAILED' });
      throw error;
    }
  }

  /** Methods of 2026-07-28 only. */
  private async stateless(
    { method, id, params }: AgentMessage & { id: string | number },
    asked: Asked,
  ): Promise<MethodAnswer | undefined> {
    if (method === 'server/discover')
      return done(JSON.stringify(discovered(await capabilitiesFor(asked.upstream, isAnnounced))));
    if (method === 'subscriptions/listen') return this.parts.listening.listen(id, params, asked);
    return undefined;
  }

  /** Methods of the revisions before. */
  private async withInitialize({ method, params }: AgentMessage, asked: Asked): Promise<MethodAnswer | undefined> {
    if (method === 'ping') return done('{}');
    if (method === 'initialize') {
      const capabilities = await capabilitiesFor(asked.upstream, isNotAnnounced);
      const session = sealedClient(this.parts.seals, asked, { of: params.capabilities, server: capabilities });
      return {
        ...done(
          JSON.stringify({
            protocolVersion: negotiated(params.protocolVersion),
            capabilities: {
              ...capabilities,
              ...(session !== undefined && 'logging' in capabilities ? { logging: {} } : {}),
            },
            serverInfo: SERVER,
          }),
        ),
        ...(session === undefined ? {} : { session }),
      };
    }
    if (!WITH_SESSION.has(method)) return undefined;
    if (!asked.session)
      return invalid(`${method} needs the session of an initialized client whose lease could permit it`);
    if (method !== 'resources/unsubscribe') return this.read(method, params, asked, false);
    asked.session.unsubscribed(String(params.uri));
    return answered(await asked.session.upstream.unsubscribe(String(params.uri), { signal: asked.signal }));
  }

  private async either(
    { method, params }: AgentMessage,
    asked: Asked,
    isStateless: boolean,
  ): Promise<MethodAnswer | undefined> {
    if (method === 'tools/list') {
      const tools = (await this.parts.calls.list(asked.claims, upstreamOf(asked))).join(',');
      return done(isStateless ? withMembers(`{"tools":[${tools}]}`, UNCACHED) : `{"tools":[${tools}]}`);
    }
    if (method === 'tools/call') return this.call(params, asked, isStateless);
    if (Object.hasOwn(LISTINGS, method)) {
      const page = await this.parts.listings.list(asked.claims, upstreamOf(asked), { method, cursor: params.cursor });
      if (!page.ok) return invalid(page.error);
      return done(isStateless ? withMembers(page.value, UNCACHED) : page.value);
    }
    return Object.hasOwn(READINGS, method) && !WITH_SESSION.has(method)
      ? this.read(method, params, asked, isStateless)
      : undefined;
  }

  private async read(method: string, params: Params, asked: Asked, isStateless: boolean): Promise<MethodAnswer> {
    const { reads } = this.parts;
    const answer = await this.inRounds(method, params, asked, (requested) =>
      reads.read(asked.claims, upstreamOf(asked), { method, ...requested }, asked.signal),
    );
    if (!isStateless) return answered(answer);
    const typed = completed(answer);
    const isComplete = 'result' in typed && !typed.result.startsWith('{"resultType":"input_required"');
    return isComplete && method === 'resources/read' ? done(withMembers(typed.result, UNCACHED)) : typed;
  }

  private async call(params: Params, asked: Asked, isStateless: boolean): Promise<MethodAnswer> {
    const { name, arguments: args = {} } = params;
    if (typeof name !== 'string' || !isObject(args)) return invalid('tools/call takes a name and arguments');
    if (params.task !== undefined && !isStateless) return invalid('calls as tasks are not passed on');
    const tools = await upstreamOf(asked)
      .tools()
      .catch(() => []); // a call that cannot be made is refused below
    const tool = tools.find((each) => each.name === name);
    if (tool) compareArguments(tool.inputSchema, args, asked.headers, asked.revision);
    const { calls } = this.parts;
    const answer = await this.inRounds('tools/call', params, asked, (requested) =>
      calls.call(asked.claims, upstreamOf(asked), { name, args, ...requested }, asked.signal),
    );
    return isStateless ? completed(answer) : answered(answer);
  }

  /**
   * Makes a request that may need input of its client. In 2026-07-28 the client sends it again with the input, and it is
   * decided again; before, the client is asked on the stream of the request.
   */
  private async inRounds(
    method: string,
    params: Params,
    asked: Asked,
    make: (requested: Omit<RequestedCall, 'name' | 'args'> & { params: Params }) => Promise<CallAnswer>,
  ): Promise<CallAnswer> {
    const { rounds, seals } = this.parts;
    const { claims, session } = asked;
    const { passed, ...requested } = requestOf(params, asked);
    const binding = bindingOf(claims, asked.upstream.name, method, params);
    const state = params.requestState;
    const once = (send: Governed['send'], more: Partial<RequestedCall> = {}): Promise<CallAnswer> =>
      make({ ...requested, ...more, params: passed, send });
    if (asked.revision !== STATELESS) {
      const first = await once(this.streaming(method, passed, asked));
      if (first.approvalId === undefined || !asked.stream || !canOpenPages(asked)) return first;
      const request = approvalAsked(first.approvalId, this.parts.approvalPage(first.approvalId));
      const agreed = await withApprovals(asked.stream, request, asked.signal);
      return agreed ? once(this.streaming(method, passed, asked), { approvalId: first.approvalId }) : first;
    }
    const sending: Governed['send'] = session
      ? (options) => rounds.begin(session, method, passed, options, { binding, given: params.inputResponses })
      : this.streaming(method, passed, asked);
    if (state === undefined) {
      const first = await once(sending);
      if (first.approvalId === undefined || !canOpenPages(asked)) return first;
      const { params: shown } = approvalAsked(first.approvalId, this.parts.approvalPage(first.approvalId));
      const inputRequests = { approval: { method: 'elicitation/create', params: shown } };
      const requestState = seals.seal(`${APPROVAL_STATE}${first.approvalId}`, binding);
      return { result: JSON.stringify({ resultType: 'input_required', inputRequests, requestState }) };
    }
    const opened = seals.open(state, binding);
    if (opened?.startsWith(APPROVAL_STATE)) {
      const approvalId = opened.slice(APPROVAL_STATE.length);
      return once(sending, { approvalId });
    }
    const waiting = rounds.take(state, binding);
    if (!waiting)
      return { error: { code: -32602, message: 'the requestState is none of this run and request, or was used' } };
    return rounds.again(waiting, (resumed) =>
      once(
        (options) => {
          resumed();
          return rounds.resume(waiting, params.inputResponses, options, binding);
        },
        { replaces: waiting.permit.actionId },
      ),
    );
  }

  /** Sends a request while its client can be asked on its stream. */
  private streaming(method: string, params: Params, { session, upstream, stream, revision }: Asked): Governed['send'] {
    return (all) => {
      const { isReduced: _, ...options } = all;
      if (!session) return upstream.request(method, params, options);
      if (method === 'resources/subscribe') return session.subscribe(params, options);
      if (method === 'logging/setLevel') return session.setLevel(params, all);
      return session.send(method, params, all, revision === STATELESS ? undefined : stream);
    };
  }
}

/** A client has not stated a capability that the server needs (MCP 2026-07-28); over HTTP, a bad request. */
const MISSING_CAPABILITY = -32021;
const APPROVAL_STATE = `approval:`;
const upstreamOf = ({ session, upstream }: Asked): Upstream => session?.upstream ?? upstream;
const canOpenPages = ({ capabilities: { elicitation } }: Asked): boolean =>
  isObject(elicitation) && 'url' in elicitation;

/** A client of 2026-07-28 listens for changes of lists on a stream; the others need no separate connection for them. */
const isAnnounced = (part: unknown): object =>
  isObject(part) && part.listChanged === true ? { listChanged: true } : {};
const isNotAnnounced = (): object => ({});

/** The capabilities of an upstream that are passed on, without what this service does not pass on. */
async function capabilitiesFor(upstream: Upstream, lists: (part: unknown) => object): Promise<Record<string, unknown>> {
  const has = await upstream.capabilities().catch((): Record<string, unknown> => ({}));
  const { tools, resources, prompts, completions, logging } = has;
  const canSubscribe = isObject(resources) && resources.subscribe === true;
  return {
    tools: lists(tools),
    ...(resources === undefined
      ? {}
      : { resources: { ...(canSubscribe ? { subscribe: true } : {}), ...lists(resources) } }),
    ...(prompts === undefined ? {} : { prompts: lists(prompts) }),
    ...(completions === undefined ? {} : { completions: {} }),
    ...(logging === undefined ? {} : { logging: {} }),
  };
}

/** Returns what is passed on of the params of a request, and what they state for the boundary. */
function requestOf(
  params: Params,
  { stream }: Asked,
): Omit<RequestedCall, 'name' | 'args' | 'send'> & { readonly passed: Params } {
  const { meta, approvalId, token } = readMeta(params._meta);
  const { _meta: _1, inputResponses: _2, requestState: _3, task: _4, ...rest } = params; // 2026-07-28 ignores `task`
  return {
    passed: { ...rest, ...(meta === undefined ? {} : { _meta: meta }) },
    approvalId,
    onProgress:
      token === undefined || !stream
        ? undefined
        : (progress) => stream.notify('notifications/progress', { ...progress, progressToken: token }),
  };
}

/** What `server/discover` answers: the same for every agent. */
const discovered = (capabilities: Record<string, unknown>) => ({
  resultType: 'complete',
  supportedVersions: SUPPORTED,
  capabilities,
  ttlMs: 0,
  cacheScope: 'private',
  _meta: { 'io.modelcontextprotocol/serverInfo': SERVER },
});

const done = (result: string): MethodAnswer & { result: string } => ({ status: 200, result });
const answered = (answer: CallAnswer | { readonly ok: boolean }): MethodAnswer =>
  'result' in answer
    ? { status: 200, result: (answer as { result: string }).result }
    : { status: 200, error: (answer as { error: { code: number; message: string } }).error };
const invalid = (message: string): MethodAnswer => ({ status: 200, error: { code: -32602, message } });
const failed = (message: string, data: unknown): MethodAnswer => ({
  status: 200,
  error: { code: -32603, message, data },
});

/**
 * Adds the type of a result that an older server does not state. `input_required` is that of this service alone, which
 * writes it first; an unknown type makes the result invalid.
 */
function completed(answer: CallAnswer): MethodAnswer {
  if (!('result' in answer)) {
    const refused = answered(answer);
    return 'error' in refused && refused.error.code === MISSING_CAPABILITY ? { ...refused, status: 400 } : refused;
  }
  const { resultType } = JSON.parse(answer.result) as { resultType?: unknown };
  if (resultType === 'complete' || answer.result.startsWith('{"resultType":"input_required"'))
    return done(answer.result);
  if (resultType !== undefined)
    return failed('the upstream sent a result of another type', { code: 'UPSTREAM_FAILED' });
  const members = answer.result.trim().slice(1);
  return done(`{"resultType":"complete"${members === '}' ? '' : ','}${members}`);
}
