import { useState, type ReactNode } from 'react';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { History } from 'lucide-react';
import type { ReplayAnswer } from '@bailiwick/contracts/replay/replay';
import { useRecentRuns } from '../../api/queries';
import { AgentText } from '../../parts/agent-text';
import { Status } from '../../parts/marks';
import { Empty, Failed, Loading } from '../../parts/states';
import { When } from '../../parts/when';
import { T } from '../../texts';
import { usePast } from './past-queries';
import { Past } from './past';
import { WhatIf } from './what-if';

const SHOWN = 200;

/** The past of a tree, event by event, and what would have been decided under other rules. */
export function ReplayPage(): ReactNode {
  const { treeId } = useSearch({ from: '/replay' });
  return (
    <div className="page">
      <header className="page-head">
        <h1>{T.replay.title}</h1>
        <p className="muted">{T.replay.lead}</p>
      </header>
      <Trees chosen={treeId} />
      {treeId !== undefined && <OneTree key={treeId} treeId={treeId} />}
    </div>
  );
}

function OneTree({ treeId }: { treeId: string }): ReactNode {
  const past = usePast(treeId);
  const [answer, setAnswer] = useState<ReplayAnswer>();
  const { at } = useSearch({ from: '/replay' });
  const navigate = useNavigate({ from: '/replay' });
  const go = (position: number): void =>
    void navigate({ search: (now) => ({ ...now, at: String(position) }), replace: true });
  if (past.isPending) return <Loading />;
  if (past.error) return <Failed error={past.error} retry={() => void past.refetch()} />;
  if (past.data.events.length === 0) return <Empty title={T.replay.noEvents} icon={History} />;
  const position = /^\d+$/.test(at ?? '') ? Number(at) : (past.data.events.at(-1)?.position ?? 0);
  return (
    <>
      <Past treeId={treeId} past={past.data} position={position} answer={answer} onGo={go} />
      <WhatIf treeId={treeId} answer={answer} onAnswer={setAnswer} onGo={go} />
    </>
  );
}

/** Chooses a tree: by its root run, newest first. */
function Trees({ chosen }: { chosen: string | undefined }): ReactNode {
  const navigate = useNavigate({ from: '/replay' });
  const runs = useRecentRuns();
  const roots = (runs.data?.items ?? []).filter(({ parentRunId }) => parentRunId === undefined);
  if (runs.isPending) return <Loading />;
  if (runs.error) return <Failed error={runs.error} retry={() => void runs.refetch()} />;
  if (roots.length === 0 && chosen === undefined)
    return (
      <Empty title={T.replay.emptyTitle} icon={History}>
        {T.replay.empty}
      </Empty>
    );
  const of = roots.find(({ treeId }) => treeId === chosen);
  if (chosen !== undefined)
    return (
      <p className="toolbar">
        <span>
          {of ? (
            <>
              <Link to="/runs/$id" params={{ id: of.id }} className="row-link">
                <AgentText>{of.agent.class}</AgentText>
              </Link>{' '}
              <span className="muted">
                <AgentText>{of.purpose}</AgentText>
              </span>
            </>
          ) : (
            <code>
              <AgentText>{chosen}</AgentText>
            </code>
          )}
        </span>
        <button type="button" className="button button-small" onClick={() => void navigate({ search: {} })}>
          {T.replay.other}
        </button>
      </p>
    );
  return (
    <section className="panel" aria-labelledby="trees">
      <h2 id="trees">{T.replay.choose}</h2>
      <ul className="plain choices">
        {roots.slice(0, SHOWN).map((run) => (
          <li key={run.id}>
            <Link to="/replay" search={{ treeId: run.treeId }} className="row-link">
              <AgentText>{run.agent.class}</AgentText>
            </Link>{' '}
            <Status of={run.status} /> <When at={run.startedAt} />
            <span className="sub">
              <AgentText>{run.purpose}</AgentText>
            </span>
          </li>
        ))}
      </ul>
      {(roots.length > SHOWN || runs.data.isCut) && <p className="muted small">{T.replay.newest(SHOWN)}</p>}
    </section>
  );
}
