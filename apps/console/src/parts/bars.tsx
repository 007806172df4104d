import type { ReactNode } from 'react';
import { AgentText } from './agent-text';

const SHOWN = 8;

/** Counts by name as bars, largest first. Each has its number. */
export function Bars({ of }: { of: Readonly<Record<string, number>> }): ReactNode {
  const bars = Object.entries(of).sort(([, a], [, b]) => b - a);
  const most = Math.max(1, ...bars.map(([, count]) => count));
  return (
    <ul className="bars">
      {bars.slice(0, SHOWN).map(([name, count]) => (
        <li key={name}>
          <span className="clamp-1">
            <AgentText>{name}</AgentText>
          </span>
          <span className="bars-track" aria-hidden>
            <span style={{ width: `${(count / most) * 100}%` }} />
          </span>
          <span className="num">{count.toLocaleString()}</span>
        </li>
      ))}
    </ul>
  );
}
