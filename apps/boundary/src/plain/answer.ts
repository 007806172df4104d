import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { LIMITS } from '@bailiwick/core/limits';
import type { CallOutcome } from '../calls/decisions';
import type { PermittedCall } from '../calls/guarded-calls';
import { fulfilledJson } from '../calls/obligations';
import { valuesOfText } from '../calls/result-values';
import { UpstreamGone } from '../upstream/connection';
import { PLAIN_LIMITS } from './plain-limits';
import { Denied } from './problems';

/** Headers of an answer that are of one connection, or credentials, or speak of other addresses than that of the agent. */
const NOT_PASSED =
  /^(connection|keep-alive|transfer-encoding|te|trailer|upgrade|proxy-.*|set-cookie2?|www-authenticate|authentication-info|alt-svc|strict-transport-security|location|content-location|refresh|link|content-length)$/;

/** Returns the headers of an answer that an agent gets. @param moved makes an address of the upstream one for the agent */
export function answerHeaders(
  { headers, headersDistinct }: IncomingMessage,
  moved: (location: string) => string | undefined,
): Record<string, string | string[]> {
  const named = new Set((headers.connection ?? '').toLowerCase().split(/\s*,\s*/));
  const passed = Object.entries(headersDistinct).flatMap(([name, values]): [string, string | string[]][] => {
    if (values === undefined || NOT_PASSED.test(name) || named.has(name)) return [];
    return [[name, values.length === 1 ? (values[0] as string) : values]];
  });
  const location = headers.location === undefined ? undefined : moved(headers.location);
  return { ...Object.fromEntries(passed), ...(location === undefined ? {} : { location }) };
}

/**
 * Passes an answer on, and returns the outcome of the call. An answer is passed on as it comes, unless fields of it must be
 * removed.
 * @throws Denied if it must be withheld; UpstreamGone if it ends early, or the call is aborted
 */
export async function passAnswer(
  answer: IncomingMessage,
  response: ServerResponse,
  call: PermittedCall,
  headers: Record<string, string | string[]>,
): Promise<CallOutcome> {
  const status = answer.statusCode ?? 502;
  const more = { 'bailiwick-action': call.actionId };
  if (call.duties.length > 0) {
    const text = (await collect(answer, call.signal)).toString();
    const outcome = outcomeOf(status, digestOf(text));
    const withheld = (why: string): Withheld => new Withheld(outcome, why);
    if (answer.headers['content-encoding'] !== undefined) throw withheld('it is compressed');
    if (text === '') {
      response.writeHead(status, more).end();
      return { ...outcome, values: [] };
    }
    const reduced = fulfilledJson(text, call.duties);
    if (!reduced.ok) throw withheld(reduced.error);
    const length = Buffer.byteLength(reduced.value);
    response.writeHead(status, { ...more, 'content-type': 'application/json', 'content-length': length });
    response.end(reduced.value);
    return { ...outcome, preview: previewOf(reduced.value), ...statedOf(reduced.value) };
  }
  const length = answer.headers['content-length'];
  response.writeHead(status, { ...headers, ...more, ...(length === undefined ? {} : { 'content-length': length }) });
  const hash = createHash('sha256');
  const shown = new ShownText(answer);
  for await (const part of parts(answer, call.signal, PLAIN_LIMITS.answerBytes)) {
    hash.update(part);
    shown.take(part);
    if (!response.write(part)) await drained(response, call.signal);
  }
  response.end();
  const text = shown.end();
  return {
    ...outcomeOf(status, `sha256:${hash.digest('hex')}`),
    ...(text === undefined || text === '' ? {} : { preview: previewOf(text) }),
    ...(shown.isEmpty ? { values: [] } : text === undefined ? {} : statedOf(text)),
  };
}

/** Digests of the values of a text; left out if it is too long to be searched. */
function statedOf(text: string): Pick<CallOutcome, 'values'> {
  const values = valuesOfText(text);
  return values === undefined ? {} : { values };
}

/** An answer as its reader has it, up to what is searched for values: a text, if it is one that can be read as UTF-8. */
class ShownText {
  isEmpty = true;
  /** undefined: it is no such text */
  private text: string | undefined;
  private readonly decoder = new TextDecoder('utf-8', { fatal: true });

  constructor({ headersDistinct }: IncomingMessage) {
    const { 'content-type': types = [], 'content-encoding': encodings = [] } = headersDistinct;
    const isPlain = encodings.every((each) => each === '' || each.toLowerCase() === 'identity');
    const isText = types.length === 1 && TEXT.test(types[0] ?? '');
    this.text = isPlain && isText ? '' : undefined;
  }

  take(part: Buffer): void {
    if (part.length > 0) this.isEmpty = false;
    this.text = this.read(part);
  }

  /** Returns the text; undefined if it is none. */
  end(): string | undefined {
    return this.read();
  }

  private read(part?: Buffer): string | undefined {
    if (this.text === undefined || this.text.length > LIMITS.valueTextChars) return this.text;
    try {
      return this.text + this.decoder.decode(part, { stream: part !== undefined });
    } catch {
      return undefined; // no UTF-8
    }
  }
}

/** The types of texts, in UTF-8: its parts may be cut anywhere, within a character too. */
const TEXT = /^(text\/[\w.+-]+|application\/([\w.+-]*json|xml))\s*(;\s*charset="?(utf-8|us-ascii)"?\s*)?$/i;

/** The answer was withheld, and the call has its outcome. */
export class Withheld extends Denied {
  constructor(
    readonly outcome: CallOutcome,
    why: string,
  ) {
    super({ code: 'RESULT_WITHHELD', says: `The call was made, and its result is withheld: ${why}.` });
  }
}

/** An upstream that refuses a request has not carried it out; one that fails may have. */
export const outcomeOf = (status: number, resultDigest: string): CallOutcome => ({
  status: status >= 400 && status < 500 ? 'failed' : 'completed',
  resultDigest,
});

/** Reads a whole answer. @throws Denied, UpstreamGone */
export async function collect(answer: IncomingMessage, signal: AbortSignal): Promise<Buffer> {
  const all: Buffer[] = [];
  for await (const part of parts(answer, signal, PLAIN_LIMITS.readBytes)) all.push(part);
  return Buffer.concat(all);
}

/** The parts of an answer as they come. @throws UpstreamGone if it ends early, is too large, or the call is aborted */
export async function* parts(answer: IncomingMessage, signal: AbortSignal, most: number): AsyncGenerator<Buffer> {
  const abort = (): void => void answer.destroy(new Error('the call was aborted'));
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort, { once: true });
  answer.setTimeout(PLAIN_LIMITS.silentMs, () => answer.destroy(new Error('the upstream went silent')));
  let size = 0;
  try {
    for await (const part of answer as AsyncIterable<Buffer>) {
      size += part.length;
      if (size > most) throw new Error(`the answer is larger than ${most} bytes`);
      yield part;
    }
    if (!answer.complete) throw new Error('the answer ended early');
  } catch (error) {
    answer.destroy();
    throw new UpstreamGone((error as Error).message);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

/** Waits until the agent has taken what was written. @throws UpstreamGone if the call is aborted */
export function drained(response: ServerResponse, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      response.off('drain', settle);
      response.off('close', settle);
      signal.removeEventListener('abort', settle);
      if (signal.aborted || response.destroyed) reject(new UpstreamGone('the call was aborted'));
      else resolve();
    };
    response.once('drain', settle);
    response.once('close', settle);
    signal.addEventListener('abort', settle, { once: true });
    if (signal.aborted || response.destroyed) settle();
  });
}

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
/** Cut within a character, half of it would have no form in JSON. */
export const previewOf = (text: string): string => text.slice(0, LIMITS.previewLength).replace(/[\ud800-\udbff]$/, '');
