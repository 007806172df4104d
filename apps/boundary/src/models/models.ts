import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { CallOutcome } from '../calls/decisions';
import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { IN_DOUBT, NOT_MADE, type PermittedCall } from '../calls/guarded-calls';
import { fulfilledJson } from '../calls/obligations';
import { asDenied, approvalOf, isHostOf, type HttpParts } from '../http-tools/http-tools';
import { isObject } from '../json-text';
import { collect, drained, outcomeOf, parts, Withheld } from '../plain/answer';
import { readBytes, readContent } from '../plain/body';
import { send } from '../plain/exchange';
import type { Asked, Endpoint } from '../plain/front';
import { PLAIN_LIMITS } from '../plain/plain-limits';
import { Denied } from '../plain/problems';
import type { Model, Models as Provider } from '../plain/registration';
import { NotReached } from '../upstream/connection';
import { mostTokens, priceOf, readChatRequest, usageIn, type ChatRequest, type Tokens } from './chat-request';
import { dataOf, EventText } from './event-text';
import { Fractions } from './fractions';

/** A request to a provider, ready to decide and to send. */
interface Prepared {
  readonly claims: TokenClaims;
  readonly provider: Provider;
  readonly model: Model;
  readonly chat: ChatRequest;
  readonly bytes: Buffer;
}

const EVENT_CHARS = 1024 * 1024;

/**
 * Chat completions in the form of OpenAI's API, at `/llm/{provider}/v1/chat/completions`. What a request can cost at most
 * is reserved before it is passed on, with the key of the provider; what it did cost is charged after it.
 */
export class Models implements Endpoint {
  readonly prefix = '/llm/';
  readonly isForModels = true;
  private readonly fractions = new Fractions();

  constructor(private readonly parts: HttpParts) {}

  async handle(asked: Asked): Promise<void> {
    const { url, method, headers, client } = asked;
    const { config, tokens, registrations, calls } = this.parts;
    if (!isHostOf(config.boundary.url, headers.get('host')))
      throw new Refused('BAD_REQUEST', 'Host is not the address of the boundary');
    const authorization = headers.get('authorization');
    const address = config.boundary.url + url;
    const claims = await tokens.identify({ authorization, dpop: headers.get('dpop'), method, url: address });
    asked.admit(claims);
    const [, name = ''] = /^\/llm\/([^/?]+)\/v1\/chat\/completions$/.exec(url) ?? [];
    const provider = registrations.find(claims.tenant, 'models', name);
    if (!provider) throw new Refused('NOT_FOUND', 'the boundary passes on /llm/{provider}/v1/chat/completions alone');
    if (method !== 'POST') throw new Refused('METHOD_NOT_ALLOWED', 'send a POST');
    const bytes = await readBytes(asked.request);
    const { body, bodyDigest } = readContent(bytes, headers.get('content-type'));
    const chat = readChatRequest(body);
    if (!chat.ok) throw new Refused('BAD_REQUEST', chat.error);
    const { model: id } = chat.value;
    const model = Object.hasOwn(provider.models, id) ? provider.models[id] : undefined;
    if (!model) throw unknownModel(`no price of the model ${id.slice(0, 100)} is known`);
    const most = mostTokens(chat.value, bytes.length, model);
    if (!most.ok) throw new Refused('BAD_REQUEST', most.error);
    const { messages, isStream } = chat.value;
    const args = {
      model: id,
      messages,
      stream: isStream,
      inputTokens: most.value.input,
      outputTokens: most.value.output,
    };
    const tool = `llm__${name}__${id}`;
    const started = await calls.begin(
      claims,
      {
        read: (reader) =>
          reader.entryOfTool(tool) && {
            tool,
            args: { ...args, bodyDigest },
            resource: { type: 'model', id: `${name}/${id}` },
          },
        amounts: this.amounts(model, most.value),
        key: `${tool}\n${bodyDigest ?? ''}`,
        approvalId: approvalOf(headers),
      },
      AbortSignal.any([client, AbortSignal.timeout(PLAIN_LIMITS.callMs)]),
    );
    if (started === undefined) throw unknownModel(`no entry of the policy names the model ${id.slice(0, 100)}`);
    if ('code' in started) throw new Denied(started);
    const prepared = { claims, provider, model, chat: chat.value, bytes: withUsage(bytes, body, chat.value) };
    await this.carryOut(asked, prepared, started);
  }

  private amounts({ price }: Model, tokens: Tokens) {
    const units = { tokens: tokens.input + tokens.output };
    if (price === undefined) return { units };
    return { units, cost: { [price.currency]: Fractions.most(priceOf(tokens, { price } as Model)) } };
  }

  private async carryOut(asked: Asked, prepared: Prepared, call: PermittedCall): Promise<void> {
    const { provider, bytes, chat } = prepared;
    try {
      if (chat.isStream && call.duties.length > 0) {
        void call.end(NOT_MADE);
        throw new Denied({
          code: 'DENIED',
          says: 'The permit obliges to change the answer; ask for it without stream.',
        });
      }
      const answer = await send({
        tenant: prepared.claims.tenant,
        method: 'POST',
        url: new URL(`${provider.upstream.url.replace(/\/$/, '')}/chat/completions`),
        headers: {
          accept: 'application/json, text/event-stream',
          'content-type': 'application/json',
          ...provider.credentials?.headers,
        },
        body: bytes,
        signal: call.signal,
      });
      const status = answer.statusCode ?? 502;
      if (status === 401 || status === 403 || status === 407) {
        answer.destroy();
        void call.end(NOT_MADE);
        throw new Denied({
          code: 'UPSTREAM_FAILED',
          says: 'The provider does not accept the credentials of the boundary.',
        });
      }
      const isStream = /^text\/event-stream\b/.test(answer.headers['content-type'] ?? '');
      const outcome =
        isStream && status === 200
          ? await this.passStream(asked, prepared, call, answer)
          : await this.passWhole(asked, prepared, call, answer);
      void call.end(outcome);
    } catch (error) {
      // without a report of what was used, the reservation is charged
      void call.end(error instanceof Withheld ? error.outcome : error instanceof NotReached ? NOT_MADE : IN_DOUBT);
      throw asDenied(error, call);
    }
  }

  private async passWhole(
    { response }: Asked,
    { claims, model }: Prepared,
    call: PermittedCall,
    answer: IncomingMessage,
  ): Promise<CallOutcome> {
    const status = answer.statusCode ?? 502;
    const text = (await collect(answer, call.signal)).toString();
    const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;
    const outcome = outcomeOf(status, digest);
    const settled =
      outcome.status === 'failed' ? outcome : { ...outcome, ...this.used(claims, model, usageIn(parsed(text))) };
    const reduced = fulfilledJson(text, call.duties);
    if (!reduced.ok) throw new Withheld(settled, reduced.error);
    const type = answer.headers['content-type'] ?? 'application/json';
    const retry = answer.headers['retry-after'];
    response.writeHead(status, {
      'content-type': type,
      'content-length': Buffer.byteLength(reduced.value),
      'bailiwick-action': call.actionId,
      ...(retry === undefined ? {} : { 'retry-after': retry }),
    });
    response.end(reduced.value);
    return settled;
  }

  /** Passes events on as they come. The event that was asked for only to learn the usage is left out. */
  private async passStream(
    { response }: Asked,
    { claims, model, chat }: Prepared,
    call: PermittedCall,
    answer: IncomingMessage,
  ): Promise<CallOutcome> {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-cache, no-transform',
      'x-accel-buffering': 'no',
      'bailiwick-action': call.actionId,
    });
    response.flushHeaders();
    const hash = createHash('sha256');
    const events = new EventText(EVENT_CHARS);
    let used: Tokens | undefined;
    for await (const part of parts(answer, call.signal, PLAIN_LIMITS.answerBytes)) {
      hash.update(part);
      for (const event of events.take(part)) {
        const data = dataOf(event);
        const usage = usageIn(data);
        used = usage ?? used;
        const isOurs = usage !== undefined && !chat.wantsUsage && isObject(data) && isEmpty(data.choices);
        if (!isOurs && !response.write(event)) await drained(response, call.signal);
      }
    }
    response.end(events.end());
    return { status: 'completed', resultDigest: `sha256:${hash.digest('hex')}`, ...this.used(claims, model, used) };
  }

  /** What a call used, for its outcome. Left out, the reservation is charged. */
  private used(
    { grantId }: TokenClaims,
    model: Model,
    tokens: Tokens | undefined,
  ): Pick<CallOutcome, 'cost' | 'units'> {
    if (tokens === undefined) return {};
    const units = { tokens: tokens.input + tokens.output };
    if (model.price === undefined) return { units };
    const { currency } = model.price;
    return { units, cost: { [currency]: this.fractions.charge(`${grantId} ${currency}`, priceOf(tokens, model)) } };
  }
}

const unknownModel = (says: string): Denied => new Denied({ code: 'DENIED', says: `The call was not made: ${says}.` });
const isEmpty = (value: unknown): boolean => Array.isArray(value) && value.length === 0;

/** Asks for the usage at the end of a stream. */
function withUsage(bytes: Buffer, body: unknown, { isStream, wantsUsage }: ChatRequest): Buffer {
  if (!isStream || wantsUsage) return bytes;
  return Buffer.from(JSON.stringify({ ...(body as object), stream_options: { include_usage: true } }));
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
