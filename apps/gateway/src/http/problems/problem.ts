import { CODES, type Code } from '@bailiwick/contracts/error-codes';
import type { Refused } from '@bailiwick/edge/refused';

export { fromAnswer, fromCommand, Refused, RefusedCommand } from '@bailiwick/edge/refused';

const TITLES: Partial<Record<Code, string>> = {
  GRANT_WIDENS_PARENT: 'A child grant must not be wider than its parent',
  GRANT_NOT_LIVE: 'The grant is not live',
  BUDGET_EXHAUSTED: 'The budget is used up',
  BLAST_RADIUS_GREW: 'The revocation would stop more than was seen',
};

export function problemOf(refused: Refused): { status: number; body: Record<string, unknown> } {
  const status = CODES[refused.code];
  const title = TITLES[refused.code] ?? refused.code.toLowerCase().replaceAll('_', ' ');
  const { code, detail, reasons, extra } = refused;
  return {
    status,
    body: { type: `https://bailiwick.dev/problems/${code}`, title, status, code, detail, reasons, ...extra },
  };
}
