import type { FastifyReply } from 'fastify';
import { CODES } from '@bailiwick/contracts/error-codes';
import { Refused } from '@bailiwick/edge/refused';
import { NonceWanted } from '@bailiwick/edge/tokens/dpop-proofs';
import { PROOF_ALGORITHMS } from '@bailiwick/edge/tokens/grant-token';
import { NotAMessage, type AgentMessage } from './message';

/** The path of the metadata of a protected resource, before that of the resource (RFC 9728 section 3). */
export const METADATA = '/.well-known/oauth-protected-resource';

/** A refusal that is for a request as a whole. */
const NOT_PERMITTED = -32001;

/** Writes an error to a request that no method has answered. @param endpoint the address of the MCP endpoint */
export async function sendRefusal(
  reply: FastifyReply,
  endpoint: URL,
  id: AgentMessage['id'],
  error: Refused | NotAMessage,
): Promise<void> {
  const { status, code, message, data } = error instanceof NotAMessage ? error : refused(error);
  if (status === 401)
    void reply.header('www-authenticate', challengeFor(error, `${endpoint.origin}${METADATA}${endpoint.pathname}`));
  if (error instanceof NonceWanted) void reply.header('dpop-nonce', error.nonce);
  if (status === 503) void reply.header('retry-after', '1');
  const body = { jsonrpc: '2.0', id: id ?? null, error: { code, message, ...(data === undefined ? {} : { data }) } };
  await reply.code(status).header('content-type', 'application/json').send(JSON.stringify(body));
}

/**
 * The challenges of a 401. They state what is wrong with a proof, so that its client makes another for the token that it
 * has (RFC 9449 sections 7.1 and 9); without that, it requests another token, and so opens another run.
 */
function challengeFor(error: Refused | NotAMessage, metadata: string): string {
  const proof = `algs="${PROOF_ALGORITHMS.join(' ')}"`;
  const fault = proofFault(error);
  if (fault !== undefined) return `DPoP error="${fault}", ${proof}, resource_metadata="${metadata}"`;
  return `Bearer resource_metadata="${metadata}", DPoP ${proof}`;
}

/** The error of RFC 9449 that a refusal is; undefined if it is not about a proof. */
export const proofFault = (error: Refused | NotAMessage | Error): string | undefined => {
  if (error instanceof NonceWanted) return 'use_dpop_nonce';
  return error instanceof Refused && error.code === 'DPOP_INVALID' ? 'invalid_dpop_proof' : undefined;
};

const refused = ({ code, detail }: Refused) => ({
  status: CODES[code],
  code: NOT_PERMITTED,
  message: detail,
  data: { code },
});
