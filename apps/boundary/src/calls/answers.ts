import type { Code } from '@bailiwick/contracts/error-codes';
import type { Reason } from '@bailiwick/contracts/reason';
import { BOUNDARY_LIMITS } from '../limits';

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

/** Returns the texts of the objections, those of each lease included. */
function objectionsIn(reasons: readonly Reason[]): string[] {
  const texts = reasons.flatMap(({ outcome, message, code, reasons: below }): string[] => {
    if (outcome === 'permit') return [];
    return below && below.length > 0 ? objectionsIn(below) : [code === undefined ? message : `${message} [${code}]`];
  });
  return [...new Set(texts)].slice(0, BOUNDARY_LIMITS.reasonsShown);
}
