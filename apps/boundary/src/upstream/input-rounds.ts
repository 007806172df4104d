import { isObject, membersOf } from '../json-text';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { NotReached, UpstreamGone, type InputRequest, type RequestOptions, type UpstreamAnswer } from './connection';

type Json = Record<string, unknown>;

/**
 * Sends a request of the stateless revision, and again with the input that the server asks for, until it is complete
 * (MCP 2026-07-28, multi round-trip requests). The state of the server stays here: its client never sees it.
 * @param send sends the request with these further params
 * @param signal ends the request also while its client is asked, when nothing is in flight that its abort would end
 * @returns the answer as an earlier revision has it, without the type of its result; the error of the client, if it gives
 * one in place of input
 * @throws UpstreamGone if the result is of an unknown type, the server asks a client that cannot be asked, or the request is
 * aborted
 */
export async function inRounds(
  send: (more: Json) => Promise<UpstreamAnswer>,
  input: RequestOptions['input'],
  signal: AbortSignal,
): Promise<UpstreamAnswer> {
  let more: Json = {};
  for (let round = 0; round < BOUNDARY_LIMITS.inputRounds; round++) {
    const answer = await (round === 0 ? send(more) : again(() => send(more)));
    const next = answer.ok ? needed(answer.result) : undefined;
    if (!next) return answer.ok ? { ok: true, result: withoutType(answer.result) } : answer;
    if (!input && next.requests.length > 0) throw new UpstreamGone('the upstream asks a client that cannot be asked');
    const answers = await unlessAborted(signal, () => input?.(next.requests, signal) ?? Promise.resolve([]));
    const inputResponses: Json = {};
    for (const [i, { key }] of next.requests.entries()) {
      const given = answers[i];
      if (!given || 'error' in given) return { ok: false, error: given?.error ?? NO_INPUT, mayBeMade: true };
      Object.defineProperty(inputResponses, key, { value: given.result, enumerable: true });
    }
    more = { inputResponses, ...(next.state === undefined ? {} : { requestState: next.state }) };
  }
  throw new UpstreamGone('the upstream asks too often');
}

const NO_INPUT = { code: -32603, message: 'the client gave no input' };

async function unlessAborted<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  let abort = (): void => undefined;
  const aborted = new Promise<never>((_resolve, reject) => {
    abort = () => reject(new UpstreamGone('the call was aborted'));
  });
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await (signal.aborted ? aborted : Promise.race([aborted, work()]));
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** A request that was sent before may have been carried out, whatever becomes of its repetition. */
async function again<T>(send: () => Promise<T>): Promise<T> {
  try {
    return await send();
  } catch (error) {
    throw error instanceof NotReached ? new UpstreamGone(error.message) : error;
  }
}

/** @returns undefined for a complete result */
function needed(result: string): { requests: InputRequest[]; state: unknown } | undefined {
  const { resultType, inputRequests = {}, requestState } = JSON.parse(result) as Json;
  if (resultType === undefined || resultType === 'complete') return undefined;
  if (resultType !== 'input_required')
    throw new UpstreamGone(`the upstream answered with a result of the type ${typeOf(resultType)}`);
  const state = requestState ?? '';
  if (!isObject(inputRequests) || typeof state !== 'string' || state.length > BOUNDARY_LIMITS.inputStateChars)
    throw new UpstreamGone('the upstream asks for malformed input');
  const requests = Object.entries(inputRequests).map(([key, request]) => {
    const { method, params = {} } = isObject(request) ? request : {};
    if (typeof method !== 'string' || !isObject(params) || key.length > BOUNDARY_LIMITS.inputKeyChars)
      throw new UpstreamGone('the upstream asks for malformed input');
    return { key, method, params };
  });
  if (requests.length > BOUNDARY_LIMITS.askedAtOnce) throw new UpstreamGone('the upstream asks for too much at a time');
  if (requests.length === 0 && requestState === undefined)
    throw new UpstreamGone('the upstream asks for malformed input');
  return { requests, state: requestState };
}

const typeOf = (resultType: unknown): string => JSON.stringify(resultType).slice(0, 40);

function withoutType(result: string): string {
  const members = membersOf(result);
  if (!members?.has('resultType')) return result;
  const rest = [...members].filter(([name]) => name !== 'resultType');
  return `{${rest.map(([name, raw]) => `${JSON.stringify(name)}:${raw}`).join(',')}}`;
}
