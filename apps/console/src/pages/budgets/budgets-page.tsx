import type { ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import { amountOf } from '@bailiwick/core/money';
import { Wallet } from 'lucide-react';
import { get } from '../../api/client';
import { useRefresh } from '../../api/live-events';
import { AgentText } from '../../parts/agent-text';
import { Meter } from '../../parts/marks';
import { Empty, Failed, Loading } from '../../parts/states';
import { T } from '../../texts';
import { COUNTER_NAMES } from '../run/counters';

interface Counted {
  readonly calls?: number;
  readonly reads?: number;
  readonly writes?: number;
  readonly external?: number;
  readonly cost?: Readonly<Record<string, number>>;
}
interface TenantBudget {
  readonly name: string;
  readonly selector?: Readonly<Record<string, string>>;
  readonly budget: Counted;
  readonly consumed?: Counted;
}

/** Caps that runs share, with what was drawn from them. */
export function BudgetsPage(): ReactNode {
  const budgets = useQuery({
    queryKey: ['grants', 'budgets'],
    queryFn: () => get<{ items: readonly TenantBudget[] }>('/v1/budgets'),
    refetchInterval: useRefresh(),
  });
  return (
    <div className="page page-narrow">
      <header className="page-head">
        <h1>{T.budgets.title}</h1>
        <p className="muted">{T.budgets.lead}</p>
      </header>
      {budgets.error ? (
        <Failed error={budgets.error} retry={() => void budgets.refetch()} />
      ) : !budgets.data ? (
        <Loading />
      ) : budgets.data.items.length === 0 ? (
        <Empty title={T.budgets.emptyTitle} icon={Wallet}>
          {T.budgets.empty}
        </Empty>
      ) : (
        <ul className="works">
          {budgets.data.items.map((each) => (
            <li key={each.name} className="panel work">
              <Budget of={each} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function Budget({ of: { name, selector, budget, consumed } }: { of: TenantBudget }): ReactNode {
  const matches = Object.entries(selector ?? {});
  return (
    <>
      <h2>
        <AgentText>{name}</AgentText>
      </h2>
      <p>
        {matches.length === 0 && <span className="chip">{T.budgets.everything}</span>}
        {matches.map(([field, value]) => (
          <span key={field} className="chip">
            {field}: <AgentText>{value}</AgentText>
          </span>
        ))}
      </p>
      <div className="meters">
        {COUNTER_NAMES.map((counter) => {
          const cap = budget[counter];
          if (cap === undefined) return null;
          return (
            <div key={counter} className="meter-row">
              <span>{T.run.budgetOf[counter]}</span>
              <Meter
                used={consumed?.[counter] ?? 0}
                cap={cap}
                label={`${name} ${T.run.budgetOf[counter] ?? counter}`}
              />
            </div>
          );
        })}
        {Object.entries(budget.cost ?? {}).map(([currency, cap]) => {
          const used = consumed?.cost?.[currency] ?? 0;
          return (
            <div key={currency} className="meter-row">
              <span>{currency}</span>
              <Meter
                used={used}
                cap={cap}
                label={`${name} ${currency}`}
                text={`${amountOf(used, currency)} / ${amountOf(cap, currency)}`}
              />
            </div>
          );
        })}
      </div>
    </>
  );
}
