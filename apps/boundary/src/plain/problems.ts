import type { ServerResponse } from 'node:http';
import { CODES } from '@bailiwick/contracts/error-codes';
import { Refused } from '@bailiwick/edge/refused';
import { NonceWanted } from '@bailiwick/edge/tokens/dpop-proofs';
import { proofFault } from '../http/refusals';
import type { Denial } from '../calls/answers';

/** Ends a request with a denial, which becomes problem+json. */
export class Denied extends Error {
  constructor(
    readonly denial: Denial,
    readonly status: number = STATUS[denial.code] ?? 403,
  ) {
    super(denial.says);
  }
}

const STATUS: Partial<Record<Denial['code'], number>> = {
  UPSTREAM_FAILED: 502,
  NOT_READY: 503,
};

/** Writes a refusal or a denial. @param isForModels for a client of a model, which reads the member `error` */
export function sendProblem(response: ServerResponse, error: Refused | Denied, isForModels = false): void {
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  const { status, code, detail, more } = problemOf(error);
  const ofModel = isForModels ? { error: { message: detail, type: code, code } } : {};
  const body = JSON.stringify({
    type: `https://bailiwick.dev/problems/${code}`,
    status,
    code,
    detail,
    ...more,
    ...ofModel,
  });
  response.writeHead(status, {
    'content-type': 'application/problem+json',
    'content-length': Buffer.byteLength(body),
    // the rest of a request that was not read must not be taken for the next one
    connection: 'close',
    ...(status === 401 ? { 'www-authenticate': challengeFor(error) } : {}),
    ...(status === 407 ? { 'proxy-authenticate': 'Bearer, Basic realm="bailiwick"' } : {}),
    ...(status === 503 ? { 'retry-after': '1' } : {}),
    ...(error instanceof NonceWanted ? { 'dpop-nonce': error.nonce } : {}),
  });
  response.end(body);
}

function challengeFor(error: Refused | Denied): string {
  const fault = proofFault(error);
  return fault === undefined ? 'Bearer, DPoP' : `DPoP error="${fault}"`;
}

function problemOf(error: Refused | Denied) {
  if (error instanceof Refused) {
    const { code, detail, reasons } = error;
    return { status: CODES[code], code, detail, more: reasons.length > 0 ? { reasons } : {} };
  }
  const { code, says, reasons = [], approvalId, howToAsk } = error.denial;
  const more = { reasons, ...(approvalId ? { approvalId } : {}), ...(howToAsk ? { howToAsk } : {}) };
  return { status: error.status, code, detail: says, more };
}
