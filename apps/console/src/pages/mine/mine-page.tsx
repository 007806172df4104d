import { useState, type ReactNode } from 'react';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { Ban, UserRound } from 'lucide-react';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { get, post, Problem } from '../../api/client';
import { seenPosition, useRefresh } from '../../api/live-events';
import { AgentText } from '../../parts/agent-text';
import { Dialog } from '../../parts/dialog';
import { Drift, Meter, Status } from '../../parts/marks';
import { Empty, Failed, Loading } from '../../parts/states';
import { Left } from '../../parts/when';
import { T } from '../../texts';
import type { Page } from '../../api/queries';

interface Work {
  readonly run: RunView;
  readonly grant: GrantView | null;
}
const ROLES_OF_RUNS = ['principal', 'approver'] as const;
const isLive = ({ run }: Work): boolean => ['active', 'pending', 'suspended'].includes(run.status);

/** What runs in the caller's name, with a button that stops each, and one that stops all. */
export function MinePage(): ReactNode {
  const search = useSearch({ from: '/mine' });
  const navigate = useNavigate({ from: '/mine' });
  const as = search.as === 'approver' ? 'approver' : 'principal';
  const mine = useQuery({
    queryKey: ['mine', as],
    queryFn: () => get<Page<Work>>('/v1/mine', { as, minPosition: seenPosition() }),
    refetchInterval: useRefresh() || 10_000,
  });
  const works = mine.data?.items ?? [];
  const roots = works.filter(
    (work) => isLive(work) && (as === 'principal' ? work.run.parentRunId === undefined : true),
  );
  const ended = works.filter((work) => !isLive(work)).slice(0, 10);
  if (mine.error instanceof Problem && mine.error.status === 403)
    return (
      <div className="page">
        <h1>{T.mine.title}</h1>
        <Empty title={T.mine.notPerson} icon={UserRound} />
      </div>
    );
  return (
    <div className="page page-narrow">
      <header className="page-head page-head-row">
        <div>
          <h1>{T.mine.title}</h1>
          <p className="muted">{T.mine.lead}</p>
        </div>
        {as === 'principal' && roots.length > 1 && <StopAll works={roots} />}
      </header>
      <div className="toolbar">
        <div className="segments" role="group" aria-label={T.mine.title}>
          {ROLES_OF_RUNS.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={as === each}
              onClick={() => void navigate({ search: each === 'principal' ? {} : { as: each }, replace: true })}
            >
              {T.mine.as[each]}
            </button>
          ))}
        </div>
      </div>
      {mine.isPending ? (
        <Loading />
      ) : mine.error ? (
        <Failed error={mine.error} retry={() => void mine.refetch()} />
      ) : works.length === 0 ? (
        <Empty title={as === 'principal' ? T.mine.emptyTitle : T.mine.emptyApprover} icon={UserRound}>
          {T.mine.empty}
        </Empty>
      ) : (
        <ul className="works">
          {[...roots, ...ended].map((work) => (
            <li key={work.run.id} className="panel work">
              <WorkCard work={work} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}

function WorkCard({ work: { run, grant } }: { work: Work }): ReactNode {
  return (
    <>
      <div className="work-head">
        <h2>
          <AgentText>{run.agent.class}</AgentText>{' '}
          <span className="muted">
            <AgentText>{run.agent.instance}</AgentText>
          </span>
        </h2>
        <Status of={run.status} />
        <span className="grow" />
        {grant && isLive({ run, grant }) && <StopOne run={run} grant={grant} />}
      </div>
      <p>
        <AgentText>{run.purpose}</AgentText>
      </p>
      {grant && (
        <>
          <ul className="chips" aria-label={T.mine.holds}>
            {grant.limits.actions.allow.map((each) => (
              <li key={each} className="chip">
                <AgentText>{each}</AgentText>
              </li>
            ))}
          </ul>
          <p className="work-foot">
            <Meter used={grant.consumed.calls} cap={grant.limits.budget.calls} label={T.run.budgetOf.calls ?? ''} />
            <Drift value={run.drift} words />
            {isLive({ run, grant }) && (
              <span className="muted">
                {T.live.columns.left} <Left until={run.expiresAt} />
              </span>
            )}
          </p>
        </>
      )}
    </>
  );
}

function useStop(grants: readonly string[], onStopped: () => void) {
  const queries = useQueryClient();
  return useMutation({
    // one after the other: each is one write, and the first refusal is shown
    mutationFn: async () => {
      for (const id of grants) await post(`/v1/grants/${id}/revocation`, { reason: T.mine.reason });
    },
    onSuccess: onStopped,
    onSettled: () => queries.invalidateQueries(),
  });
}

function StopOne({ run, grant }: { run: RunView; grant: GrantView }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const stop = useStop([grant.id], () => setOpen(false));
  return (
    <>
      <button
        type="button"
        className="button button-bad"
        onClick={() => setOpen(true)}
        aria-label={`${T.mine.stop}: ${run.agent.class}`}
      >
        <Ban aria-hidden size={15} /> {T.mine.stop}
      </button>
      {isOpen && (
        <StopDialog
          title={T.run.stopTitle}
          text={run.purpose ?? run.agent.class}
          stop={stop}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}

function StopAll({ works }: { works: readonly Work[] }): ReactNode {
  const [isOpen, setOpen] = useState(false);
  const stop = useStop(
    works.flatMap(({ grant }) => (grant ? [grant.id] : [])),
    () => setOpen(false),
  );
  return (
    <>
      <button type="button" className="button button-bad-solid" onClick={() => setOpen(true)}>
        <Ban aria-hidden size={16} /> {T.mine.stopAll(works.length)}
      </button>
      {isOpen && (
        <StopDialog
          title={T.mine.stopAllTitle}
          text={T.mine.stopAllText(works.length)}
          stop={stop}
          onClose={() => setOpen(false)}
        />
      )}
    </>
  );
}

function StopDialog({
  title,
  text,
  stop,
  onClose,
}: {
  title: string;
  text: string;
  stop: ReturnType<typeof useStop>;
  onClose: () => void;
}): ReactNode {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>
        <AgentText>{text}</AgentText>
      </p>
      {stop.error && <Failed error={stop.error} />}
      <p className="actions actions-end">
        <button type="button" className="button" onClick={onClose}>
          {T.cancel}
        </button>
        <button
          type="button"
          className="button button-bad-solid"
          data-focus
          disabled={stop.isPending}
          onClick={() => stop.mutate()}
        >
          {T.mine.stop}
        </button>
      </p>
    </Dialog>
  );
}
