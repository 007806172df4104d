import type { ClientRequest } from 'node:http';

/**
 * Ends a request when the signal aborts, until its answer has ended. The option `signal` of Node destroys the request with
 * an error: once the answer has ended it has no listener, which ends the process, and another request may use the connection.
 */
export function destroyOnAbort(request: ClientRequest, signal: AbortSignal): void {
  const abort = (): void => void request.destroy();
  const unwatch = (): void => signal.removeEventListener('abort', abort);
  signal.addEventListener('abort', abort, { once: true });
  request.once('response', (response) => response.once('end', unwatch));
  request.once('close', unwatch);
}
