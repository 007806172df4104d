import type { ReactNode } from 'react';
import { Link } from '@tanstack/react-router';
import { CircleAlert } from 'lucide-react';
import type { PreviewView } from '@bailiwick/contracts/queries/query';
import { AgentText } from '../../parts/agent-text';
import { Bars } from '../../parts/bars';
import { Columns } from '../../parts/columns';
import { costs, Risk } from '../../parts/marks';
import { T } from '../../texts';
import type { Mode } from './confirm';

const COUNTS = ['grants', 'runs', 'trees', 'agents', 'inFlight', 'pendingApprovals'] as const;
const RISKS = ['irreversible', 'high', 'medium', 'low'] as const;

/** What a revocation or suspension would stop: how much, what looks alike and is spared, and what its end interrupts most. */
export function Radius({
  preview,
  mode,
  onAlso,
}: {
  preview: PreviewView;
  mode: Mode;
  onAlso: (agentClass: string) => void;
}): ReactNode {
  const { counts, byClass, byRisk, byDepth, byState, near = [], target } = preview;
  const isEmpty = counts.grants === 0 && counts.pendingRuns === 0;
  const reserved = [
    costs(counts.reservedCost, ''),
    ...Object.entries(counts.reservedUnits).map(([unit, count]) => `${count.toLocaleString()} ${unit}`),
  ].filter((each) => each !== '');
  const risks = RISKS.filter((tier) => (byRisk[tier] ?? 0) > 0);
  const more = [
    byState.suspended > 0 && T.incident.suspended(byState.suspended),
    counts.pendingRuns > 0 && T.incident.pendingRuns[mode](counts.pendingRuns),
    byDepth.length > 1 && T.incident.depth(byDepth),
  ].filter((each) => each !== false);
  return (
    <>
      <dl className="figures figures-radius" aria-live="polite">
        {COUNTS.map((name) => (
          <div key={name} className={name === 'grants' && counts.grants > 0 ? 'figure figure-loud' : 'figure'}>
            <dt>{name === 'grants' && target === 'tool' ? T.incident.loseIt : T.incident.counts[name]}</dt>
            <dd className="num">{counts[name].toLocaleString()}</dd>
          </div>
        ))}
      </dl>
      {near.length > 0 && <Near near={near} onAlso={onAlso} />}
      {(reserved.length > 0 || risks.length > 0 || more.length > 0) && (
        <ul className="sentences">
          {reserved.length > 0 && (
            <li>
              {T.incident.reserved}: <strong className="num">{reserved.join(', ')}</strong>
            </li>
          )}
          {risks.length > 0 && (
            <li>
              {T.incident.byRisk}:{' '}
              {risks.map((tier) => (
                <span key={tier} className="risk-count">
                  <span className="num">{byRisk[tier]?.toLocaleString()}</span> <Risk tier={tier} />
                </span>
              ))}
            </li>
          )}
          {more.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ul>
      )}
      {Object.keys(byClass).length > 0 && (
        <>
          <h3>{T.incident.byClass}</h3>
          <Bars of={byClass} />
        </>
      )}
      <Interrupts preview={preview} />
      {isEmpty && <p className="muted">{T.incident.none}</p>}
    </>
  );
}

/** Classes that are spelled alike: one may be the same agent, or one that hides behind its name. */
function Near({
  near,
  onAlso,
}: {
  near: NonNullable<PreviewView['near']>;
  onAlso: (agentClass: string) => void;
}): ReactNode {
  return (
    <div className="notice notice-wait" role="note">
      <CircleAlert aria-hidden size={18} />
      <div>
        <strong>{T.incident.near}</strong>
        <ul className="plain near">
          {near.map(({ agentClass, selected, spared }) => (
            <li key={agentClass}>
              <AgentText>{agentClass}</AgentText>
              <span>{spared > 0 ? T.incident.spared(spared) : T.incident.selected(selected)}</span>
              {spared > 0 && (
                <button type="button" className="button button-small" onClick={() => onAlso(agentClass)}>
                  {T.incident.include}
                  <span className="visually-hidden"> {agentClass}</span>
                </button>
              )}
            </li>
          ))}
        </ul>
      </div>
    </div>
  );
}

/** The leases whose end interrupts most. */
function Interrupts({ preview: { mostConsequential } }: { preview: PreviewView }): ReactNode {
  if (mostConsequential.length === 0) return null;
  const c = T.incident.interruptsColumns;
  return (
    <details>
      <summary>{T.incident.interrupts}</summary>
      <table className="table table-cards">
        <Columns of={[c.agent, c.risk, c.inFlight, c.children, c.calls]} right={[c.inFlight, c.children, c.calls]} />
        <tbody>
          {mostConsequential.map((each) => (
            <tr key={each.grantId}>
              <th scope="row">
                <Link to="/runs/$id" params={{ id: each.runId }} search={{ grant: each.grantId }}>
                  <AgentText>{each.agentClass}</AgentText>
                </Link>
              </th>
              <td>
                <Risk tier={each.risk} />
              </td>
              <td className="right num" data-label={c.inFlight}>
                {each.inFlight}
              </td>
              <td className="right num" data-label={c.children}>
                {each.children}
              </td>
              <td className="right num" data-label={c.calls}>
                {each.calls}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  );
}
