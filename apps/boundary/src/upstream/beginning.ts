import { BOUNDARY_LIMITS } from '../limits';
import { NotReached, UpstreamGone, type Connection } from './connection';
import { STATELESS_REVISION } from './stateless';

/** Revisions with an initialization that the boundary uses with upstreams, newest first. */
const VERSIONS = ['2025-11-25', '2025-06-18'];

/**
 * Begins to use a connection: initializes it, or finds that the server knows the stateless revision only.
 * @returns whether it is stateless
 * @throws UpstreamGone with the reason why it could not be initialized; NotReached
 */
export async function beginning(connection: Connection): Promise<boolean> {
  try {
    await initialize(connection);
    return false;
  } catch (error) {
    if (error instanceof NotReached || !(await isStateless(connection))) throw error;
    return true;
  }
}

async function initialize(connection: Connection): Promise<void> {
  const answer = await connection.request(
    'initialize',
    {
      protocolVersion: VERSIONS[0],
      capabilities: {},
      clientInfo: { name: 'bailiwick-boundary', version: '0.1.0' },
    },
    { signal: AbortSignal.timeout(BOUNDARY_LIMITS.connectMs) },
  );
  if (!answer.ok) throw new UpstreamGone(`the upstream refused to initialize: ${answer.error.message.slice(0, 200)}`);
  const { protocolVersion } = JSON.parse(answer.result) as { protocolVersion?: unknown };
  if (typeof protocolVersion !== 'string' || !VERSIONS.includes(protocolVersion))
    throw new UpstreamGone(`the upstream answered with revision ${String(protocolVersion).slice(0, 40)}`);
  connection.negotiated(protocolVersion);
  await connection.notify('notifications/initialized');
}

async function isStateless(connection: Connection): Promise<boolean> {
  connection.becomeStateless();
  const signal = AbortSignal.timeout(BOUNDARY_LIMITS.connectMs);
  try {
    const answer = await connection.request('server/discover', {}, { signal });
    if (!answer.ok) return false;
    const { supportedVersions } = JSON.parse(answer.result) as { supportedVersions?: unknown };
    return Array.isArray(supportedVersions) && supportedVersions.includes(STATELESS_REVISION);
  } catch {
    return false;
  }
}
