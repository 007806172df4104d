import type { ReactNode } from 'react';
import type { Reason } from '@bailiwick/contracts/reason';
import { AgentText } from './agent-text';

/** The tree of reasons of a decision; what objects is marked. */
export function Reasons({ of }: { of: readonly Reason[] }): ReactNode {
  return (
    <ul className="reasons">
      {of.map((reason, at) => (
        <li key={at} className={`reason reason-${reason.outcome}`}>
          <span className="reason-rule">{reason.rule}</span> <AgentText>{reason.message}</AgentText>
          {reason.reasons && reason.reasons.length > 0 && <Reasons of={reason.reasons} />}
        </li>
      ))}
    </ul>
  );
}

/** The objections of a decision as sentences, those of each lease of the chain in order. */
export function objections(reasons: readonly Reason[]): string[] {
  return reasons.flatMap((reason) =>
    reason.reasons && reason.reasons.length > 0
      ? objections(reason.reasons)
      : reason.outcome === 'permit'
        ? []
        : [reason.message],
  );
}
