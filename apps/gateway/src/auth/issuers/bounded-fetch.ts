import { LIMITS } from '@bailiwick/core/limits';

/** An issuer cannot be reached at the moment, or does not respond as it should. */
export class IssuerUnreachable extends Error {}

/**
 * Fetches JSON of an issuer. It follows no redirect, since the place that it names was not configured; it waits and reads
 * no longer than the limits, since the other end may be broken.
 * @throws IssuerUnreachable
 */
export async function boundedFetch(url: string, headers: NonNullable<RequestInit['headers']> = {}): Promise<Response> {
  return bounded(url, { method: 'GET', headers });
}

/** Posts a form to an issuer, with the same bounds. @throws IssuerUnreachable */
export async function boundedPost(
  url: string,
  form: Readonly<Record<string, string>>,
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> {
  return bounded(url, { method: 'POST', headers: { ...headers }, body: new URLSearchParams(form) });
}

/** Posts JSON to an issuer, with the same bounds. @throws IssuerUnreachable */
export async function boundedPostJson(
  url: string,
  value: unknown,
  headers: Readonly<Record<string, string>>,
  mostBytes: number,
): Promise<Response> {
  const sent = { ...headers, 'content-type': 'application/json', accept: 'application/json' };
  return bounded(url, { method: 'POST', headers: sent, body: JSON.stringify(value) }, mostBytes);
}

async function bounded(
  url: string,
  request: RequestInit,
  mostBytes: number = LIMITS.issuers.documentBytes,
): Promise<Response> {
  try {
    const signal = AbortSignal.timeout(LIMITS.issuers.fetchMs);
    const response = await fetch(url, { ...request, redirect: 'error', signal });
    if (response.status === 200) return new Response(await boundedBody(response, mostBytes), { status: 200 });
    await response.body?.cancel();
    throw new Error(`the status is ${response.status}`);
  } catch (error) {
    throw new IssuerUnreachable(`${url} cannot be read: ${(error as Error).message}`);
  }
}

async function boundedBody(response: Response, most: number): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > most) throw new Error(`it is larger than ${most} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
