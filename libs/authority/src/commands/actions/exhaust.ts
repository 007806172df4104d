import type { Consumed } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import { clip } from '../../presentation/text';
import type { GrantNode } from '../../state/state';
import { countsReached } from '../../state/usage';
import type { NewEvent } from '../types';

/** I3: ends each grant whose lifetime cap a count reaches, since counts are never released. */
export function exhaustedBy(chain: readonly GrantNode[], charge: Consumed): NewEvent[] {
  return chain.flatMap((grant): NewEvent[] => {
    const caps = countsReached(grant.usage, grant.limits.budget, charge);
    return caps.length === 0 ? [] : [exhausted(grant, caps)];
  });
}

export function exhausted(grant: GrantNode, caps: string[], overrun = false): NewEvent {
  const says = overrun
    ? `an action cost more than was reserved for it${caps.length ? `; ${caps.join(', ')} used up` : ''}`
    : `${caps.join(', ')} used up`;
  return {
    type: 'GrantExhausted',
    treeId: grant.treeId,
    runId: grant.runId,
    grantId: grant.id,
    data: {
      caps,
      ...(overrun ? { overrun } : {}),
      reason: { code: overrun ? 'OVERRUN' : 'BUDGET_EXHAUSTED', says: clip(says, LIMITS.reasonLength) },
    },
  };
}
