import type { ReactNode } from 'react';
import { amountOf } from '@bailiwick/core/money';
import { COUNTER_NAMES, type CounterName } from './counters';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { AgentText } from '../../parts/agent-text';
import { Id, Meter, Status } from '../../parts/marks';
import { When } from '../../parts/when';
import { T } from '../../texts';

/** What one lease allows, and what was drawn from it. */
export function GrantPanel({ grant, run }: { grant: GrantView; run: RunView | undefined }): ReactNode {
  const { limits } = grant;
  return (
    <section className="panel" aria-labelledby="grant-panel">
      <header className="panel-head">
        <h2 id="grant-panel">
          <AgentText>{run?.agent.class}</AgentText>
        </h2>
        <Status of={grant.status} />
      </header>
      {grant.endReason !== undefined && (
        <p className="muted">
          <AgentText>{grant.endReason}</AgentText>
        </p>
      )}
      {grant.blockedBy && grant.blockedBy.grantId !== grant.id && <p className="notice notice-wait">{T.run.blocked}</p>}
      <h3>{T.run.budget}</h3>
      <div className="meters">
        {COUNTER_NAMES.filter((name) => limits.budget[name] > 0 || grant.consumed[name] > 0).map((name) => (
          <Counted key={name} name={name} grant={grant} />
        ))}
        {Object.entries(limits.budget.cost).map(([currency, cap]) => {
          const used = grant.consumed.cost[currency] ?? 0;
          return (
            <div key={currency} className="meter-row">
              <span>{currency}</span>
              <Meter
                used={used}
                cap={cap}
                label={currency}
                text={`${amountOf(used, currency)} / ${amountOf(cap, currency)}`}
              />
            </div>
          );
        })}
      </div>
      <p className="muted small">{T.run.subtree}</p>
      <h3>{T.run.limits}</h3>
      <ul className="chips">
        {limits.actions.allow.map((each) => (
          <li key={each} className="chip chip-good">
            <AgentText>{each}</AgentText>
          </li>
        ))}
      </ul>
      <ul className="chips">
        {limits.resources.map((each, at) => (
          <li key={at} className="chip">
            <AgentText>{`${each.type} ${each.match}`}</AgentText>
          </li>
        ))}
      </ul>
      {limits.actions.deny.length > 0 && (
        <>
          <h3>{T.run.never}</h3>
          <ul className="chips">
            {limits.actions.deny.map((each) => (
              <li key={each} className="chip chip-bad">
                <AgentText>{each}</AgentText>
              </li>
            ))}
          </ul>
        </>
      )}
      <ul className="plain small">
        <li>{T.run.delegation(limits.delegation.depth, limits.delegation.children)}</li>
        <li>{T.run.asks(T.risk[limits.risk.approvalFrom] ?? limits.risk.approvalFrom)}</li>
        <li>
          {T.run.ends} <When at={limits.time.expiresAt} />
        </li>
        <li>
          <Id>{grant.id}</Id>
        </li>
      </ul>
    </section>
  );
}

function Counted({ name, grant }: { name: CounterName; grant: GrantView }): ReactNode {
  const used = grant.consumed[name];
  const reserved = grant.reserved[name];
  const cap = grant.limits.budget[name];
  return (
    <div className="meter-row">
      <span>{T.run.budgetOf[name]}</span>
      <Meter
        used={used}
        cap={cap}
        label={T.run.budgetOf[name] ?? name}
        text={`${used} / ${cap}${reserved > 0 ? ` (${T.run.reserved(String(reserved))})` : ''}`}
      />
    </div>
  );
}
