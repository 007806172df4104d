import type { Code } from '@bailiwick/contracts/error-codes';
import type { Reason } from '@bailiwick/contracts/reason';
import { Refused } from '@bailiwick/edge/refused';
import { UpstreamGone } from '../upstream/connection';
import { BOUNDARY_LIMITS } from '../boundary-limits';

/** The result of a call that was not made, or whose result is withheld (MCP, Tools: Error Handling). */
export interface Denial {
  readonly code: Code | 'DENIED' | 'APPROVAL_NEEDED' | 'ARGUMENTS_INVALID' | 'RESULT_WITHHELD' | 'UPSTREAM_FAILED';
  readonly says: string;
  readonly reasons?: readonly Reason[];
  readonly approvalId?: string;
  readonly howToAsk?: string;
}

/** Writes a denial as the result of `tools/call`, which clients show to the model. */
export function denialText({ code, says, reasons = [], approvalId, howToAsk }: Denial): string {
  const text = [says, ...objectionsIn(reasons).map((each) => `- ${each}`), ...(howToAsk ? [howToAsk] : [])].join('\n');
  return JSON.stringify({
    content: [{ type: 'text', text }],
    isError: true,
    structuredContent: {
      code,
      reasons,
      ...(approvalId === undefined ? {} : { approvalId }),
      ...(howToAsk === undefined ? {} : { howToAsk }),
    },
  });
}

/** A request that has no result of a tool was denied (COAZ-MCP, Error Handling). */
const NOT_PERMITTED = -32001;

/** Writes a denial as the error of a method that has no result of a tool. */
export function denialError({ code, says, reasons = [], approvalId, howToAsk }: Denial): {
  code: number;
  message: string;
  data: Record<string, unknown>;
} {
  return {
    code: NOT_PERMITTED,
    message: [says, ...objectionsIn(reasons)].join(' ').slice(0, 2_000),
    data: {
      code,
      reasons,
      ...(approvalId === undefined ? {} : { approvalId }),
      ...(howToAsk === undefined ? {} : { howToAsk }),
    },
  };
}

/** Returns why a request was not made. @throws the error, if it is none that a request has to expect */
export function denialOf(error: unknown, what: 'call' | 'request'): Denial {
  if (error instanceof UpstreamGone) return { code: 'UPSTREAM_FAILED', says: error.message };
  if (!(error instanceof Refused)) throw error;
  const { code, detail, reasons } = error;
  return { code, says: `The ${what} was not made: ${detail}`, reasons };
}

/** Returns the texts of the objections, those of each lease included. */
function objectionsIn(reasons: readonly Reason[]): string[] {
  const texts = reasons.flatMap(({ outcome, message, code, reasons: below }): string[] => {
    if (outcome === 'permit') return [];
    return below && below.length > 0 ? objectionsIn(below) : [code === undefined ? message : `${message} [${code}]`];
  });
  return [...new Set(texts)].slice(0, BOUNDARY_LIMITS.reasonsShown);
}
