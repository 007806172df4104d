import type { Content } from '../plain/body';
import type { Headers } from '../plain/head';
import { collected, writeTarget, type Target } from '../plain/target';
import type { Matched } from './routes';

/** A request to an API, in the form in which it is decided and passed on. */
export interface HttpRequest {
  readonly method: string;
  readonly target: Target;
  readonly headers: Headers;
  readonly content: Content;
}

/** Headers of agents that are passed on. Others could be credentials, or change what the request is. */
const PASSED: readonly string[] = [
  'accept',
  'accept-language',
  'content-type',
  'idempotency-key',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-unmodified-since',
  'prefer',
  'range',
  'user-agent',
];

/** Returns the headers that the upstream gets. @param more those that the configuration of the API adds */
export function passedHeaders(headers: Headers, more: readonly string[]): Record<string, string> {
  const names = [...new Set([...PASSED, ...more])].sort();
  return Object.fromEntries(
    names.flatMap((name) => {
      const value = headers.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/**
 * Returns the arguments of a call: all that the upstream gets of the request. A decision, and an approval, are for exactly
 * these. Pointers of the catalog reach `/path/<parameter>`, `/query/<name>`, `/headers/<name>` and `/body/…`.
 */
export function argumentsOf(
  { method, target, content }: HttpRequest,
  { path }: Matched,
  headers: Readonly<Record<string, string>>,
): Record<string, unknown> {
  return { method, target: writeTarget(target), path, query: collected(target.query), headers, ...content };
}

/** The resource of a call whose entry names none: the path of its API. */
export const resourceOf = (api: string, { segments }: Target): { type: string; id: string } => ({
  type: 'http',
  id: [api, ...segments].join('/'),
});
