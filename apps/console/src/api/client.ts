/** A refusal of the API (RFC 9457). `status` 0: the gateway could not be reached. */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly body: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
  }
}

let csrf = '';
const ended = new Set<() => void>();

/** Keeps the token of the session for unsafe requests, in memory only. */
export function setCsrf(token: string): void {
  csrf = token;
}

/** Calls `listener` when a request finds that the session has ended. Returns the function that stops it. */
export function onSessionEnded(listener: () => void): () => void {
  ended.add(listener);
  return () => ended.delete(listener);
}

export type Params = Readonly<Record<string, string | number | boolean | undefined>>;

/** The path with its parameters; those without a value are left out. */
export function withParams(path: string, params: Params): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(params))
    if (value !== undefined && value !== '') query.set(name, String(value));
  const text = query.toString();
  return text === '' ? path : `${path}?${text}`;
}

/** Sends a request with the cookie of the session. `signal` ends it, since its answer is not wanted any more. @throws Problem */
export async function api<T>(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
  { quiet = false, text = false, signal }: { quiet?: boolean; text?: boolean; signal?: AbortSignal | undefined } = {},
): Promise<T> {
  const headers: Record<string, string> = {};
  if (body !== undefined) headers['content-type'] = 'application/json';
  if (method !== 'GET') {
    headers['x-csrf-token'] = csrf;
    headers['idempotency-key'] = randomKey();
  }
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal ? { signal } : {}),
    });
  } catch {
    throw new Problem(0, 'UNREACHABLE', 'The gateway does not respond.');
  }
  if (response.ok) {
    if (response.status === 204) return undefined as T;
    return (text ? await response.text() : await response.json()) as T;
  }
  const problem = (await response.json().catch(() => ({}))) as Record<string, unknown>;
  if (response.status === 401 && !quiet) for (const listener of ended) listener();
  const code = typeof problem.code === 'string' ? problem.code : `HTTP_${response.status}`;
  const detail = typeof problem.detail === 'string' ? problem.detail : response.statusText;
  throw new Problem(response.status, code, detail, problem);
}

export const get = <T>(path: string, params: Params = {}, signal?: AbortSignal): Promise<T> =>
  api<T>('GET', withParams(path, params), undefined, { signal });
export const post = <T>(path: string, body: unknown, signal?: AbortSignal): Promise<T> =>
  api<T>('POST', path, body, { signal });

function randomKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
