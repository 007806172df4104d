import { useMemo, type ReactNode } from 'react';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Radio, Search } from 'lucide-react';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { LIST_LIMIT, LIVE, useLiveGrants, useLiveRuns, usePendingApprovals, useRecentRuns } from '../../api/queries';
import { AgentText } from '../../parts/agent-text';
import { costs, Drift, Meter, Status } from '../../parts/marks';
import { Empty, Failed, Loading } from '../../parts/states';
import { Left, When } from '../../parts/when';
import { T } from '../../texts';
import { Activity } from './activity';

type View = 'live' | 'ended';

/** The runs that hold authority now, as they change. */
export function LivePage(): ReactNode {
  const search = useSearch({ from: '/' });
  const view: View = search.view === 'ended' ? 'ended' : 'live';
  const live = useLiveRuns();
  const recent = useRecentRuns(view === 'ended');
  const grants = useLiveGrants();
  const approvals = usePendingApprovals();
  const runs = view === 'live' ? live : recent;
  const waiting = useMemo(() => countBy(approvals.data?.items ?? [], ({ treeId }) => treeId), [approvals.data]);
  const rows = useMemo(
    () =>
      rowsOf(
        (runs.data?.items ?? []).filter(({ status }) => LIVE.includes(status) === (view === 'live')),
        search.q ?? '',
        search.subagents === 'yes',
      ),
    [runs.data, search, view],
  );
  return (
    <div className="page page-split">
      <div>
        <header className="page-head">
          <h1>{T.live.title}</h1>
          <p className="muted">{T.live.lead}</p>
        </header>
        <Summary runs={live.data?.items ?? []} waiting={approvals.data?.items.length ?? 0} />
        <Filters view={view} />
        {runs.isPending ? (
          <Loading />
        ) : runs.error ? (
          <Failed error={runs.error} retry={() => void runs.refetch()} />
        ) : rows.length === 0 ? (
          <NoRuns view={view} isFiltered={(search.q ?? '') !== ''} />
        ) : (
          <RunTable rows={rows.slice(0, LIST_LIMIT)} view={view} grants={grants.data} waiting={waiting} />
        )}
        {(rows.length > LIST_LIMIT || (view === 'live' ? live.data?.next : recent.data?.isCut)) && (
          <p className="muted small">{T.live.truncated(LIST_LIMIT)}</p>
        )}
      </div>
      <Activity />
    </div>
  );
}

interface Row {
  readonly run: RunView;
  readonly below: number;
  readonly drift: number | undefined;
}

/** A row for each tree, or for each run, that matches a text. */
function rowsOf(runs: readonly RunView[], text: string, withSubagents: boolean): Row[] {
  const wanted = text.trim().toLowerCase();
  const trees = new Map<string, RunView[]>();
  for (const run of runs) trees.set(run.treeId, [...(trees.get(run.treeId) ?? []), run]);
  return runs
    .filter(
      (run) =>
        withSubagents ||
        run.parentRunId === undefined ||
        !trees.get(run.treeId)?.some(({ parentRunId }) => parentRunId === undefined),
    )
    .filter((run) => wanted === '' || textOf(run).includes(wanted))
    .map((run) => {
      const tree = run.parentRunId === undefined ? (trees.get(run.treeId) ?? []) : [run];
      const drifts = tree.flatMap(({ drift }) => (drift === undefined ? [] : [drift]));
      return { run, below: tree.length - 1, drift: drifts.length === 0 ? undefined : Math.max(...drifts) };
    });
}

const textOf = ({ agent, requestedBy, purpose, task, id }: RunView): string =>
  [agent.class, agent.instance, requestedBy, purpose, task, id].join(' ').toLowerCase();

function countBy<T>(items: readonly T[], of: (item: T) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const item of items) counts.set(of(item), (counts.get(of(item)) ?? 0) + 1);
  return counts;
}

function Summary({ runs, waiting }: { runs: readonly RunView[]; waiting: number }): ReactNode {
  const figures: [number, string, boolean][] = [
    [runs.length, T.live.summary.runs, false],
    [waiting, T.live.summary.waiting, waiting > 0],
    [
      runs.filter(({ drift }) => (drift ?? 0) >= 0.6).length,
      T.live.summary.drifting,
      runs.some(({ drift }) => (drift ?? 0) >= 0.6),
    ],
    [new Set(runs.map(({ requestedBy }) => requestedBy)).size, T.live.summary.people, false],
  ];
  return (
    <dl className="figures">
      {figures.map(([count, name, isLoud]) => (
        <div key={name} className={isLoud ? 'figure figure-loud' : 'figure'}>
          <dt>{name}</dt>
          <dd className="num">{count.toLocaleString()}</dd>
        </div>
      ))}
    </dl>
  );
}

function Filters({ view }: { view: View }): ReactNode {
  const search = useSearch({ from: '/' });
  const navigate = useNavigate({ from: '/' });
  const set = (next: Record<string, string | undefined>): void =>
    void navigate({ search: (now) => ({ ...now, ...next }), replace: true });
  return (
    <div className="toolbar">
      <div className="segments" role="group" aria-label={T.live.columns.status}>
        {(['live', 'ended'] as const).map((each) => (
          <button
            key={each}
            type="button"
            aria-pressed={view === each}
            onClick={() => set({ view: each === 'live' ? undefined : each })}
          >
            {T.live.tabs[each]}
          </button>
        ))}
      </div>
      <label className="search">
        <Search aria-hidden size={15} />
        <span className="visually-hidden">{T.live.find}</span>
        <input
          type="search"
          placeholder={T.live.find}
          value={search.q ?? ''}
          title={T.live.copyView}
          onChange={({ target }) => set({ q: target.value === '' ? undefined : target.value })}
        />
      </label>
      <label className="check">
        <input
          type="checkbox"
          checked={search.subagents === 'yes'}
          onChange={({ target }) => set({ subagents: target.checked ? 'yes' : undefined })}
        />
        {T.live.subagents}
      </label>
    </div>
  );
}

function NoRuns({ view, isFiltered }: { view: View; isFiltered: boolean }): ReactNode {
  if (isFiltered) return <Empty title={T.live.emptyFilter} icon={Search} />;
  if (view === 'ended') return <Empty title={T.live.emptyEnded} icon={Radio} />;
  return (
    <Empty title={T.live.emptyTitle} icon={Radio}>
      {T.live.empty}
    </Empty>
  );
}

function RunTable({
  rows,
  view,
  grants,
  waiting,
}: {
  rows: readonly Row[];
  view: View;
  grants: ReadonlyMap<string, GrantView> | undefined;
  waiting: ReadonlyMap<string, number>;
}): ReactNode {
  const c = T.live.columns;
  return (
    <table className="table table-cards">
      <thead>
        <tr>
          <th scope="col">{c.agent}</th>
          <th scope="col">{c.purpose}</th>
          <th scope="col">{c.principal}</th>
          {view === 'live' && <th scope="col">{c.spend}</th>}
          <th scope="col">{c.drift}</th>
          <th scope="col" className="right">
            {view === 'live' ? c.left : c.ended}
          </th>
          <th scope="col">{c.status}</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ run, below, drift }) => (
          <tr key={run.id} className={run.parentRunId === undefined ? undefined : 'row-below'}>
            <th scope="row" className="name">
              <Link to="/runs/$id" params={{ id: run.id }} className="row-link">
                <AgentText>{run.agent.class}</AgentText>
              </Link>
              <span className="sub">
                <AgentText>{run.agent.instance ?? run.task ?? ''}</AgentText>
                {below > 0 && ` · ${T.live.children(below)}`}
              </span>
            </th>
            <td className="wide" title={run.purpose ?? undefined}>
              <span className="clamp">
                <AgentText>{run.task ?? run.purpose}</AgentText>
              </span>
            </td>
            <td className="name">
              <AgentText>{run.requestedBy}</AgentText>
            </td>
            {view === 'live' && (
              <td>
                <Spend grant={grants?.get(run.grantId ?? '')} />
              </td>
            )}
            <td>
              <Drift value={drift} />
            </td>
            <td className="right num">
              {view === 'live' ? <Left until={run.expiresAt} /> : <When at={run.endedAt} />}
            </td>
            <td>
              <Status of={run.status} />
              {run.parentRunId === undefined && (waiting.get(run.treeId) ?? 0) > 0 && (
                <Link to="/approvals" className="tag tag-wait">
                  {T.live.waitingShort(waiting.get(run.treeId) ?? 0)}
                </Link>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Spend({ grant }: { grant: GrantView | undefined }): ReactNode {
  if (!grant) return <span className="muted">–</span>;
  const { budget } = grant.limits;
  const [currency] = Object.keys(budget.cost);
  const spent = currency === undefined ? 0 : (grant.consumed.cost[currency] ?? 0);
  return (
    <span className="stack">
      <Meter used={grant.consumed.calls} cap={budget.calls} label={T.run.budgetOf.calls ?? ''} />
      {currency !== undefined && spent > 0 && (
        <Meter used={spent} cap={budget.cost[currency] ?? 0} label={currency} text={costs({ [currency]: spent })} />
      )}
    </span>
  );
}
