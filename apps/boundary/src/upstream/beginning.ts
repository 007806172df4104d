import { isObject } from '../json-text';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import { NotReached, UpstreamGone, type ClientSide, type Connection } from './connection';
import { STATELESS_REVISION } from './stateless';

/** Revisions with an initialization that the boundary uses with upstreams, newest first. */
const VERSIONS = ['2025-11-25', '2025-06-18'];

/** How a server is used over a connection. */
export interface Started {
  readonly isStateless: boolean;
  /** those that the server declares */
  readonly capabilities: Readonly<Record<string, unknown>>;
}

/**
 * Starts to use a connection: initializes it, or finds that the server knows the stateless revision only.
 * @param side what the boundary declares, and answers requests of the server with, if the server knows an initialization
 * @throws UpstreamGone with the reason why it could not be initialized; NotReached
 */
export async function beginning(connection: Connection, side?: ClientSide): Promise<Started> {
  try {
    return { isStateless: false, capabilities: await initialize(connection, side) };
  } catch (error) {
    if (error instanceof NotReached) throw error;
    const capabilities = await discover(connection, side);
    if (!capabilities) throw error;
    return { isStateless: true, capabilities };
  }
}

async function initialize(connection: Connection, side: ClientSide | undefined): Promise<Started['capabilities']> {
  const answer = await connection.request(
    'initialize',
    {
      protocolVersion: VERSIONS[0],
      capabilities: side?.capabilities ?? {},
      clientInfo: { name: 'bailiwick-boundary', version: '0.1.0' },
    },
    { signal: AbortSignal.timeout(BOUNDARY_LIMITS.connectMs) },
  );
  if (!answer.ok) throw new UpstreamGone(`the upstream refused to initialize: ${answer.error.message.slice(0, 200)}`);
  const { protocolVersion, capabilities } = JSON.parse(answer.result) as Record<string, unknown>;
  if (typeof protocolVersion !== 'string' || !VERSIONS.includes(protocolVersion))
    throw new UpstreamGone(`the upstream answered with revision ${String(protocolVersion).slice(0, 40)}`);
  connection.negotiated(protocolVersion);
  if (side) connection.answerBy((method, params) => side.request(method, params));
  await connection.notify('notifications/initialized');
  if (side) connection.listen();
  return isObject(capabilities) ? capabilities : {};
}

/** @returns the capabilities of a server that knows the stateless revision */
async function discover(
  connection: Connection,
  side: ClientSide | undefined,
): Promise<Started['capabilities'] | undefined> {
  connection.becomeStateless(side?.capabilities ?? {});
  const signal = AbortSignal.timeout(BOUNDARY_LIMITS.connectMs);
  try {
    const answer = await connection.request('server/discover', {}, { signal });
    if (!answer.ok) return undefined;
    const { supportedVersions, capabilities } = JSON.parse(answer.result) as Record<string, unknown>;
    if (!Array.isArray(supportedVersions) || !supportedVersions.includes(STATELESS_REVISION)) return undefined;
    return isObject(capabilities) ? capabilities : {};
  } catch {
    return undefined;
  }
}
