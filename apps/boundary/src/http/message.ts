import { Refused } from '@bailiwick/edge/refused';
import { readBody } from '@bailiwick/edge/json-body';
import { isObject } from '../json-text';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import type { AnswerMessage } from './client-answers';

type Json = Record<string, unknown>;

/** A message of an agent: a request has an id, a notification has none. */
export interface AgentMessage {
  readonly id: string | number | undefined;
  readonly method: string;
  readonly params: Json;
}

/** A request that is no valid message; answered with an error of JSON-RPC. */
export class NotAMessage extends Error {
  constructor(
    readonly status: number,
    readonly code: number,
    message: string,
    readonly data?: unknown,
  ) {
    super(message);
  }
}

/**
 * Reads the one message of a body.
 * @throws NotAMessage for anything else, such as a batch, a repeated member, or a value that is nested too deeply
 */
export function readMessage(body: Buffer | undefined): AgentMessage | AnswerMessage {
  let value: unknown;
  try {
    value = readBody(body);
  } catch (error) {
    if (error instanceof Refused) throw new NotAMessage(error.code === 'TOO_LARGE' ? 413 : 400, -32700, error.detail);
    throw error;
  }
  if (Array.isArray(value)) throw new NotAMessage(400, -32600, 'batches are not supported; send one message');
  if (!isObject(value) || value.jsonrpc !== '2.0') throw new NotAMessage(400, -32600, 'not a JSON-RPC 2.0 message');
  const { id, method, params = {} } = value;
  if (method === undefined && ('result' in value || 'error' in value)) return answerOf(value);
  if (typeof method !== 'string' || method.length > 200) throw new NotAMessage(400, -32600, 'method must be a text');
  if (id !== undefined && typeof id !== 'string' && !(typeof id === 'number' && Number.isInteger(id)))
    throw new NotAMessage(400, -32600, 'id must be a text or a whole number');
  if (!isObject(params)) throw new NotAMessage(400, -32602, 'params must be an object');
  if (isDeeper(params, BOUNDARY_LIMITS.argumentDepth))
    throw new NotAMessage(400, -32602, `params have more than ${BOUNDARY_LIMITS.argumentDepth} levels`);
  return { id, method, params };
}

function answerOf({ id, result, error }: Json): AnswerMessage {
  if (typeof id !== 'string' && typeof id !== 'number') throw new NotAMessage(400, -32600, 'the answer has no id');
  if (error === undefined) return { id, answer: { result } };
  const { code, message } = isObject(error) ? error : {};
  if (typeof code !== 'number' || typeof message !== 'string')
    throw new NotAMessage(400, -32600, 'the error has no code and message');
  return { id, answer: { error: { code, message: message.slice(0, 2_000) } } };
}

const isDeeper = (value: unknown, levels: number): boolean =>
  typeof value === 'object' &&
  value !== null &&
  (levels === 0 || Object.values(value).some((each) => isDeeper(each, levels - 1)));
