import { isIP } from 'node:net';

/** An error of the system or of `fetch`; read by its members, since it may be of another realm. */
interface Failure {
  readonly name: string;
  readonly message: string;
  readonly cause?: Failure;
  readonly errors?: readonly Failure[];
  readonly code?: string;
  readonly hostname?: string;
  readonly host?: string;
  readonly address?: string;
  readonly port?: number | string;
}

/** What each code of a failed connection means. A code that is not here is shown as it is. */
const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing accepts connections there',
  ENOTFOUND: 'no host has this name',
  EAI_AGAIN: 'the name of the host could not be resolved',
  ECONNRESET: 'the connection was closed before an answer',
  EHOSTUNREACH: 'the host is unreachable',
  ENETUNREACH: 'the network is unreachable',
  ETIMEDOUT: 'no answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'no answer in time',
  UND_ERR_HEADERS_TIMEOUT: 'no answer in time',
  UND_ERR_BODY_TIMEOUT: 'the answer did not arrive completely',
  UND_ERR_SOCKET: 'the connection was closed before an answer',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'its certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'its certificate is self-signed',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
};

const REMEDY =
  'Is the service running (`npm start`, `bailiwick status`)? --url or BAILIWICK_URL states another address.';

/**
 * Returns the message for a request that `fetch` could not complete: where it went, why it failed, and what to do;
 * undefined for any other error. The message of `fetch` is only `fetch failed`; the reason is in its `cause`.
 */
export function connectionFailure(error: unknown): string | undefined {
  const { name, message, cause } = (error ?? {}) as Partial<Failure>;
  if (name !== 'TypeError' || message !== 'fetch failed') return undefined;
  const causes = causesOf(cause);
  const { code } = causes.find((each) => each.code !== undefined) ?? {};
  const why = code === undefined ? (cause?.message ?? 'no answer') : (CAUSES[code] ?? code);
  return `cannot reach ${placeOf(causes) ?? 'the service'}: ${why}. ${REMEDY}`;
}

/** The causes of an error from the outermost in; a host with several addresses has one for each of them. */
const causesOf = (failure: Failure | undefined): Failure[] =>
  failure ? [failure, ...(failure.errors ?? []), ...causesOf(failure.cause)] : [];

function placeOf(causes: readonly Failure[]): string | undefined {
  for (const { hostname, host, address, port } of causes) {
    const name = hostname ?? host ?? address;
    if (name === undefined) continue;
    const shown = isIP(name) === 6 ? `[${name}]` : name;
    return port === undefined ? shown : `${shown}:${port}`;
  }
  return undefined;
}
