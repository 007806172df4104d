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

async function bounded(url: string, request: RequestInit): Promise<Response> {
  try {
    const signal = AbortSignal.timeout(LIMITS.issuers.fetchMs);
    const response = await fetch(url, { ...request, redirect: 'error', signal });
    if (response.status === 200) return new Response(await boundedBody(response), { status: 200 });
    await response.body?.cancel();
    throw new Error(`the status is ${response.status}`);
  } catch (error) {
    throw new IssuerUnreachable(`${url} cannot be read: ${(error as Error).message}`);
  }
}

async function boundedBody(response: Response): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength;
    if (size > LIMITS.issuers.documentBytes) throw new Error(`it is larger than ${LIMITS.issuers.documentBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
