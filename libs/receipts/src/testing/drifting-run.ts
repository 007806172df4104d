import { ROOMY } from '@bailiwick/authority/testing/harness';
import type { GrantRequest } from '@bailiwick/contracts/grants/grant';
import type { SealedLog } from './sealed-log';

/** Limits that suspend a run at a drift of 0.85. */
export const DRIFTING: GrantRequest = { ...ROOMY, purpose: { onDrift: { stepUpAt: 0.6, suspendAt: 0.85 } } };

/** Records a drift of 0.9. */
export function drift(log: SealedLog, runId: string): void {
  log.do('recordDrift', {
    runId,
    score: 0.9,
    features: [],
    monitor: 'test',
    actor: { kind: 'system', id: 'intent' },
  });
}
