import { lazy, Suspense, useMemo, type ReactNode } from 'react';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';
import { ArrowLeft } from 'lucide-react';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { useRun, useTree, type Tree } from '../../api/queries';
import { AgentText } from '../../parts/agent-text';
import { Drift, Id, Status } from '../../parts/marks';
import { Failed, Loading } from '../../parts/states';
import { Left, When } from '../../parts/when';
import { T } from '../../texts';
import { DriftTab } from './drift-tab';
import { GrantPanel } from './grant-panel';
import { LeaseTree } from './lease-tree';
import { ReceiptTab } from './receipt-tab';
import { StopLease } from './stop-lease';
import { Timeline } from './timeline';

// loaded while the tree is read
const drawing = import('./tree-drawing');
const TreeDrawing = lazy(() => drawing.then(({ TreeDrawing: component }) => ({ default: component })));
const DataFlow = lazy(() => import('./data-flow').then(({ DataFlow: component }) => ({ default: component })));
const TABS = ['tree', 'timeline', 'data', 'drift', 'receipt'] as const;
type Tab = (typeof TABS)[number];

/** One run: who asked, what it holds, what it did and why that was permitted or denied. */
export function RunPage(): ReactNode {
  const { id } = useParams({ from: '/runs/$id' });
  const run = useRun(id);
  const tree = useTree(run.data?.treeId);
  if (run.error)
    return (
      <div className="page">
        <Failed error={run.error} retry={() => void run.refetch()} />
      </div>
    );
  if (run.isPending)
    return (
      <div className="page">
        <Loading />
      </div>
    );
  return (
    <div className="page">
      <Envelope run={run.data} tree={tree.data} />
      {tree.error ? (
        <Failed error={tree.error} retry={() => void tree.refetch()} />
      ) : tree.data ? (
        <Tabs run={run.data} tree={tree.data} />
      ) : (
        <Loading />
      )}
    </div>
  );
}

/** Returns everyone whose approval the run has had; one person alone is recorded without a list. */
const approversOf = ({ approvers, approvedBy }: RunView): readonly string[] =>
  approvers ?? (approvedBy === undefined ? [] : [approvedBy]);

function Envelope({ run, tree }: { run: RunView; tree: Tree | undefined }): ReactNode {
  const grant = tree?.grants.find(({ id }) => id === run.grantId);
  return (
    <header className="page-head envelope">
      <Link to="/" className="back">
        <ArrowLeft aria-hidden size={14} /> {T.run.back}
      </Link>
      <div className="envelope-title">
        <h1>
          <AgentText>{run.agent.class}</AgentText>
          {run.agent.instance !== undefined && (
            <span className="muted">
              {' '}
              <AgentText>{run.agent.instance}</AgentText>
            </span>
          )}
        </h1>
        <Status of={run.status} />
        <Drift value={run.drift} words />
        <span className="grow" />
        {grant && tree && <StopLease grant={grant} tree={tree} />}
      </div>
      <p className="purpose">
        <AgentText>{run.task ?? run.purpose}</AgentText>
      </p>
      <dl className="facts">
        <div>
          <dt>{T.run.asked}</dt>
          <dd>
            <AgentText>{run.requestedBy}</AgentText>
            {run.requestedByStatedBy !== undefined && (
              <span className="muted"> {T.run.statedBy(run.requestedByStatedBy)}</span>
            )}
          </dd>
        </div>
        {approversOf(run).length > 0 && (
          <div>
            <dt>{T.run.approved}</dt>
            <dd>
              {approversOf(run).map((person) => (
                <div key={person}>
                  <AgentText>{person}</AgentText>
                </div>
              ))}
            </dd>
          </div>
        )}
        <div>
          <dt>{T.run.started}</dt>
          <dd>
            <When at={run.startedAt} />
          </dd>
        </div>
        {run.endedAt === undefined ? (
          <div>
            <dt>{T.run.ends}</dt>
            <dd>
              <When at={run.expiresAt} />{' '}
              <span className="muted">
                (<Left until={run.expiresAt} />)
              </span>
            </dd>
          </div>
        ) : (
          <div>
            <dt>{T.run.ended}</dt>
            <dd>
              <When at={run.endedAt} />{' '}
              <span className="muted">
                <AgentText>{run.endReason}</AgentText>
              </span>
            </dd>
          </div>
        )}
        <div>
          <dt>{T.run.title}</dt>
          <dd>
            <Id>{run.id}</Id>
          </dd>
        </div>
      </dl>
    </header>
  );
}

function Tabs({ run, tree }: { run: RunView; tree: Tree }): ReactNode {
  const search = useSearch({ from: '/runs/$id' });
  const navigate = useNavigate({ from: '/runs/$id' });
  const tab: Tab = TABS.find((each) => each === search.tab) ?? 'tree';
  const grants = useMemo(() => new Map(tree.grants.map((grant) => [grant.id, grant])), [tree]);
  const chosen: GrantView | undefined = grants.get(search.grant ?? run.grantId ?? '');
  const choose = (grant: string): void => void navigate({ search: (now) => ({ ...now, grant }), replace: true });
  return (
    <>
      <nav className="page-tabs" aria-label={T.run.title}>
        {TABS.map((each) => (
          <Link
            key={each}
            to="/runs/$id"
            params={{ id: run.id }}
            search={(now) => ({ ...now, tab: each })}
            aria-current={each === tab ? 'page' : undefined}
            activeProps={{}}
          >
            {T.run.tabs[each]}
          </Link>
        ))}
      </nav>
      {tab === 'tree' && (
        <div className="tree-and-panel">
          <div className="tree-views">
            {tree.grants.length > 1 && (
              <Suspense fallback={<Loading />}>
                <TreeDrawing tree={tree} chosen={chosen?.id} onChoose={choose} />
              </Suspense>
            )}
            <LeaseTree tree={tree} chosen={chosen?.id} onChoose={choose} />
          </div>
          {chosen && <GrantPanel grant={chosen} run={tree.runs.find(({ id }) => id === chosen.runId)} />}
        </div>
      )}
      {tab === 'timeline' && <Timeline run={run} tree={tree} />}
      {tab === 'data' && (
        <Suspense fallback={<Loading />}>
          <DataFlow run={run} />
        </Suspense>
      )}
      {tab === 'drift' && <DriftTab runId={run.id} />}
      {tab === 'receipt' && <ReceiptTab runId={run.id} />}
    </>
  );
}
