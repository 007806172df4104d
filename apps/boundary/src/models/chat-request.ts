import { err, ok, type Result } from '@bailiwick/core/result';
import { isObject } from '../json-text';
import type { Model } from '../plain/registration';

/** A request for a completion, as far as it decides what the answer costs. */
export interface ChatRequest {
  readonly model: string;
  readonly messages: number;
  readonly isStream: boolean;
  /** the client asks for the event with the usage */
  readonly wantsUsage: boolean;
  /** completions to one request */
  readonly choices: number;
  /** the most tokens of one completion, if the request states it */
  readonly maxTokens: number | undefined;
  /** parts of messages that are no text */
  readonly otherParts: number;
}

/**
 * Members of a request that change nothing but the text of the answer. Any other could cost what cannot be known before,
 * such as a search by the provider, or a conversation that is stored there.
 */
const MEMBERS: ReadonlySet<string> = new Set([
  ...[
    'frequency_penalty',
    'logit_bias',
    'logprobs',
    'max_completion_tokens',
    'max_tokens',
    'messages',
    'metadata',
    'model',
  ],
  ...['n', 'parallel_tool_calls', 'presence_penalty', 'prompt_cache_key', 'reasoning_effort', 'response_format'],
  ...[
    'safety_identifier',
    'seed',
    'stop',
    'stream',
    'stream_options',
    'temperature',
    'tool_choice',
    'tools',
    'top_logprobs',
  ],
  ...['top_p', 'user', 'verbosity'],
]);

/** Reads the body of a request. @returns as the error, why its cost cannot be known */
export function readChatRequest(body: unknown): Result<ChatRequest, string> {
  if (!isObject(body)) return err('the body is no object');
  const other = Object.keys(body).find((name) => !MEMBERS.has(name));
  if (other !== undefined) return err(`the member ${other.slice(0, 60)} may cost what cannot be known before the call`);
  const { model, messages, stream = false, stream_options: options = {}, n = 1, tools = [] } = body;
  if (typeof model !== 'string' || model === '') return err('model must be a text');
  if (!Array.isArray(messages) || messages.length === 0) return err('messages must be a list');
  if (typeof stream !== 'boolean' || !isObject(options)) return err('stream must be true or false');
  if (Object.keys(options).some((name) => name !== 'include_usage')) return err('stream_options has an unknown member');
  if (!isCount(n, 128) || n === 0) return err('n must be a whole number from 1');
  if (!Array.isArray(tools) || tools.some((each) => !isObject(each) || each.type !== 'function'))
    return err('tools must be functions: the provider runs any other, which is not decided here');
  const given = [body.max_tokens, body.max_completion_tokens].filter((each) => each !== undefined && each !== null);
  if (given.length > 1) return err('state max_tokens or max_completion_tokens, not both');
  const [maxTokens] = given;
  if (maxTokens !== undefined && !isCount(maxTokens, 1e9)) return err('max_tokens must be a whole number');
  const parts = messages.flatMap((each): unknown[] =>
    isObject(each) && Array.isArray(each.content) ? (each.content as unknown[]) : [],
  );
  return ok({
    model,
    messages: messages.length,
    isStream: stream,
    wantsUsage: options.include_usage === true,
    choices: n,
    maxTokens,
    otherParts: parts.filter((each) => !isObject(each) || (each.type !== 'text' && each.type !== 'refusal')).length,
  });
}

export interface Amounts {
  readonly cost: Record<string, number>;
  readonly units: Record<string, number>;
}

/** Tokens of a call: reserved before it, or used by it. */
export interface Tokens {
  readonly input: number;
  readonly output: number;
}

/**
 * Returns the most tokens that a request can use. A token has at least one byte, so the text has at most as many as it has
 * bytes.
 * @returns as the error, why there is no such number
 */
export function mostTokens(
  { choices, maxTokens, otherParts }: ChatRequest,
  bytes: number,
  model: Model,
): Result<Tokens, string> {
  if (otherParts > 0 && model.otherPartTokens === undefined)
    return err('parts of messages that are no text have no known number of tokens for this model');
  return ok({
    input: bytes + otherParts * (model.otherPartTokens ?? 0),
    output: choices * (maxTokens ?? model.maxOutputTokens),
  });
}

/** Returns the tokens that the provider reports. @returns undefined if it reports none */
export function usageIn(answer: unknown): Tokens | undefined {
  const usage = isObject(answer) ? answer.usage : undefined;
  if (!isObject(usage)) return undefined;
  const { prompt_tokens: input, completion_tokens: output } = usage;
  return isCount(input, 1e12) && isCount(output, 1e12) ? { input, output } : undefined;
}

/** The price of tokens in millionths of a minor unit. */
export const priceOf = ({ input, output }: Tokens, { price }: Model): number =>
  price === undefined ? 0 : input * price.input + output * price.output;

const isCount = (value: unknown, most: number): value is number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 && value <= most;
