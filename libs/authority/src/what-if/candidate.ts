import type { Event } from '@bailiwick/contracts/events/event';
import { rfc3339 } from '@bailiwick/core/clock';
import { sha256hex } from '@bailiwick/core/digest';
import { CorruptLog } from '../events/follows';
import { evolveUnasked } from '../events/evolve';
import { cut, type PolicyNode } from '../state/policies';
import { emptyState } from '../state/state';

/**
 * A bundle as it would be in force, by which recorded calls are decided again. It is made by the fold of a deployment, so
 * it has every part of a bundle that decisions read.
 */
export type Candidate = PolicyNode;

/** @param text the canonical JSON of the bundle; undefined is returned if it cannot be read */
export function candidateOf(text: string): Candidate | undefined {
  const state = emptyState('candidate/0', 'candidate', 0);
  const digest = `sha256:${sha256hex(text)}`;
  const parts = cut(text);
  const base = (position: number) => ({
    log: state.log,
    position,
    id: `evt_${position}`,
    time: rfc3339(0),
    tenant: state.tenant,
    actor: { kind: 'system' as const, id: 'candidate' },
    commandId: 'candidate',
  });
  try {
    for (const [index, part] of parts.entries())
      evolveUnasked(state, { ...base(index), type: 'PolicyPart', data: { digest, index, text: part } } satisfies Event);
    const data = { version: 1, digest, parts: parts.length, replaces: 0 };
    evolveUnasked(state, { ...base(parts.length), type: 'PolicyDeployed', data } satisfies Event);
  } catch (error) {
    if (error instanceof CorruptLog) return undefined;
    throw error;
  }
  return state.policies.current;
}
