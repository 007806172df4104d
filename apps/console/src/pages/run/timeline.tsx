import { useMemo, useState, type ReactNode } from 'react';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { History } from 'lucide-react';
import type { RunView } from '@bailiwick/contracts/grants/grant';
import { get } from '../../api/client';
import { seenPosition, useRefresh } from '../../api/live-events';
import { LIST_LIMIT, type Page, type Tree } from '../../api/queries';
import type { Action } from '../../api/shapes';
import { AgentText } from '../../parts/agent-text';
import { costs, Risk, Status } from '../../parts/marks';
import { objections, Reasons } from '../../parts/reasons';
import { Empty, Failed, Loading } from '../../parts/states';
import { When } from '../../parts/when';
import { hasOneOf, useCaller } from '../../session/session';
import { T } from '../../texts';

const FILTERS = ['all', 'permitted', 'denied', 'stepped-up'] as const;
type Filter = (typeof FILTERS)[number];

/** The actions of a run and of all runs below it, in order, each with its decision, the reasons and its outcome. */
export function Timeline({ run, tree }: { run: RunView; tree: Tree }): ReactNode {
  const [filter, setFilter] = useState<Filter>('all');
  const isRoot = run.parentRunId === undefined;
  const mayReplay = hasOneOf(useCaller(), ['analyst']);
  const actions = useInfiniteQuery({
    queryKey: ['actions', run.treeId, isRoot ? 'tree' : run.id, filter],
    queryFn: ({ pageParam }) =>
      get<Page<Action>>('/v1/actions', {
        ...(isRoot ? { treeId: run.treeId } : { runId: run.id }),
        status: filter === 'all' ? undefined : filter,
        limit: LIST_LIMIT,
        cursor: pageParam,
        minPosition: seenPosition(),
      }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    refetchInterval: useRefresh(),
  });
  const outcomes = useOutcomes(run);
  const names = useMemo(() => new Map(tree.runs.map(({ id, agent }) => [id, agent.class])), [tree.runs]);
  const items = actions.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <section aria-labelledby="timeline">
      <div className="toolbar">
        <h2 id="timeline">{T.run.timeline}</h2>
        {mayReplay && (
          <Link to="/replay" search={{ treeId: run.treeId }} className="button button-small no-print">
            <History aria-hidden size={15} /> {T.nav.replay}
          </Link>
        )}
        <div className="segments" role="group" aria-label={T.run.decision}>
          {FILTERS.map((each) => (
            <button key={each} type="button" aria-pressed={filter === each} onClick={() => setFilter(each)}>
              {each === 'all' ? T.run.all : T.status[each]}
            </button>
          ))}
        </div>
      </div>
      {actions.isPending ? (
        <Loading />
      ) : actions.error ? (
        <Failed error={actions.error} retry={() => void actions.refetch()} />
      ) : items.length === 0 ? (
        <Empty title={T.run.timelineEmpty} />
      ) : (
        <ol className="timeline">
          {items.map((action) => (
            <Entry key={action.id} action={action} agent={names.get(action.runId)} outcome={outcomes.get(action.id)} />
          ))}
        </ol>
      )}
      {actions.hasNextPage && (
        <button type="button" className="button" onClick={() => void actions.fetchNextPage()}>
          {T.more}
        </button>
      )}
    </section>
  );
}

function Entry({
  action,
  agent,
  outcome,
}: {
  action: Action;
  agent: string | undefined;
  outcome: string | undefined;
}): ReactNode {
  const against = objections(action.reasons);
  return (
    <li className={`entry entry-${action.decision}`}>
      <span className="entry-time">
        <When at={action.time} />
      </span>
      <div className="entry-body">
        <p className="entry-line">
          <Status of={action.decision} />
          <code>
            <AgentText>{action.verb}</AgentText>
          </code>
          <span className="entry-resource">
            <AgentText>{`${action.resource.type} ${action.resource.id}`}</AgentText>
          </span>
          {(action.risk === 'high' || action.risk === 'irreversible') && <Risk tier={action.risk} />}
          {Object.keys(action.cost).length > 0 && <span className="num">{costs(action.cost)}</span>}
          {outcome !== undefined && outcome !== 'completed' && <Status of={outcome} />}
          <span className="muted entry-agent">
            <AgentText>{agent}</AgentText>
          </span>
        </p>
        {against.length > 0 && (
          <details>
            <summary>
              <AgentText>{against[0]}</AgentText>
              {against.length > 1 && <span className="muted"> +{against.length - 1}</span>}
            </summary>
            <Reasons of={action.reasons} />
          </details>
        )}
      </div>
    </li>
  );
}

/** The outcomes of the actions of a run and below it, by the id of the action. */
function useOutcomes(run: RunView): ReadonlyMap<string, string> {
  const graph = useQuery({
    queryKey: ['actions', run.treeId, 'outcomes', run.id],
    queryFn: () =>
      get<{ nodes: { id: string; outcome?: string }[] }>(`/v1/runs/${run.id}/graph`, { minPosition: seenPosition() }),
  });
  return useMemo(
    () => new Map(graph.data?.nodes.flatMap(({ id, outcome }) => (outcome === undefined ? [] : [[id, outcome]]))),
    [graph.data],
  );
}
