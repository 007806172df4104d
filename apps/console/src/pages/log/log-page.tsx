import type { ReactNode } from 'react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { ShieldCheck, ShieldX } from 'lucide-react';
import { api, get } from '../../api/client';
import type { LogEvent } from '../../api/live-events';
import type { Page } from '../../api/queries';
import { AgentText } from '../../parts/agent-text';
import { Columns } from '../../parts/columns';
import { Id } from '../../parts/marks';
import { Failed, Loading } from '../../parts/states';
import { When } from '../../parts/when';
import { useCaller } from '../../session/session';
import { T } from '../../texts';

interface LogCheck {
  readonly position: number;
  readonly checkpoints: number;
  readonly findings: readonly unknown[];
  readonly ok: boolean;
}
const PAGE = 50;

/** The log: its newest signed tree head, its verification, and its events. */
export function LogPage(): ReactNode {
  return (
    <div className="page">
      <header className="page-head">
        <h1>{T.log.title}</h1>
        <p className="muted">{T.log.lead}</p>
      </header>
      <div className="log-top">
        <Checkpoint />
        <Verify />
      </div>
      <Events />
    </div>
  );
}

function Checkpoint(): ReactNode {
  const { tenant } = useCaller();
  const text = (path: string): Promise<string> =>
    api<string>('GET', `/log/${tenant}/0/${path}`, undefined, { text: true });
  const head = useQuery({
    queryKey: ['log', 'head'],
    queryFn: async () => ({ note: await text('checkpoint'), vkey: await text('vkey') }),
    refetchInterval: 15_000,
  });
  if (head.error) return <Failed error={head.error} retry={() => void head.refetch()} />;
  if (!head.data) return <Loading />;
  const [origin, size, root, , ...signatures] = head.data.note.split('\n');
  return (
    <section className="panel" aria-labelledby="checkpoint">
      <h2 id="checkpoint">{T.log.checkpoint}</h2>
      <dl className="facts facts-column">
        <div>
          <dt>{T.log.origin}</dt>
          <dd className="mono">{origin}</dd>
        </div>
        <div>
          <dt>{T.log.size}</dt>
          <dd className="num">{Number(size).toLocaleString()}</dd>
        </div>
        <div>
          <dt>{T.log.root}</dt>
          <dd className="mono wrap">{root}</dd>
        </div>
        <div>
          <dt>{T.log.signatures}</dt>
          <dd>
            {signatures
              .filter((line) => line !== '')
              .map((line) => (
                <span key={line} className="chip">
                  <AgentText>{line.split(' ')[1]}</AgentText>
                </span>
              ))}
          </dd>
        </div>
        <div>
          <dt>{T.log.vkey}</dt>
          <dd className="mono wrap">{head.data.vkey}</dd>
        </div>
      </dl>
      <p className="muted small">{T.log.vkeyHow}</p>
    </section>
  );
}

function Verify(): ReactNode {
  const verify = useMutation({ mutationFn: () => get<LogCheck>('/v1/log/verification') });
  return (
    <section className="panel" aria-labelledby="verify">
      <h2 id="verify">{T.log.verify}</h2>
      <p className="muted">{T.log.verifyHow}</p>
      <p className="actions">
        <button
          type="button"
          className="button button-primary"
          disabled={verify.isPending}
          onClick={() => verify.mutate()}
        >
          {T.log.verify}
        </button>
      </p>
      <div aria-live="polite">
        {verify.isPending && <Loading />}
        {verify.error && <Failed error={verify.error} />}
        {verify.data?.ok === true && (
          <p className="notice notice-good">
            <ShieldCheck aria-hidden size={18} /> {T.log.ok(verify.data.position, verify.data.checkpoints)}
          </p>
        )}
        {verify.data?.ok === false && (
          <div className="notice notice-bad">
            <ShieldX aria-hidden size={18} /> {T.log.bad}
            <pre className="json">{JSON.stringify(verify.data.findings, null, 2)}</pre>
          </div>
        )}
      </div>
    </section>
  );
}

function Events(): ReactNode {
  const search = useSearch({ from: '/log' });
  const navigate = useNavigate({ from: '/log' });
  const after = Number(search.after ?? '-1');
  const events = useQuery({
    queryKey: ['events', search.type, after],
    queryFn: () =>
      get<Page<LogEvent>>('/v1/events', {
        after: Number.isSafeInteger(after) ? after : -1,
        limit: PAGE,
        type: search.type,
      }),
  });
  const c = T.log.eventsColumns;
  const to = (next: Record<string, string | undefined>): void =>
    void navigate({ search: (now) => ({ ...now, ...next }) });
  return (
    <section aria-labelledby="events">
      <div className="toolbar">
        <h2 id="events">{T.log.events}</h2>
        <label className="search">
          <span className="visually-hidden">{T.log.type}</span>
          <input
            type="search"
            placeholder={T.log.type}
            defaultValue={search.type ?? ''}
            onKeyDown={({ key, currentTarget }) =>
              key === 'Enter' &&
              to({ type: currentTarget.value === '' ? undefined : currentTarget.value, after: undefined })
            }
          />
        </label>
      </div>
      {events.error ? (
        <Failed error={events.error} retry={() => void events.refetch()} />
      ) : !events.data ? (
        <Loading />
      ) : (
        <table className="table table-cards">
          <Columns of={[c.position, c.time, c.type, c.actor, c.about]} right={[c.position]} />
          <tbody>
            {events.data.items.map((event) => (
              <tr key={event.position}>
                <th scope="row" className="right num">
                  {event.position}
                </th>
                <td>
                  <When at={event.time} />
                </td>
                <td className="mono">{event.type}</td>
                <td>
                  <AgentText>{event.actor?.kind === 'run' ? event.actor.kind : event.actor?.id}</AgentText>
                </td>
                <td>
                  {event.runId === undefined ? (
                    <span className="muted">–</span>
                  ) : (
                    <Link to="/runs/$id" params={{ id: event.runId }}>
                      <Id>{event.runId}</Id>
                    </Link>
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <p className="actions">
        <button
          type="button"
          className="button"
          disabled={after < 0}
          onClick={() => to({ after: String(Math.max(-1, after - PAGE)) })}
        >
          {T.log.older}
        </button>
        <button
          type="button"
          className="button"
          disabled={(events.data?.items.length ?? 0) < PAGE}
          onClick={() => to({ after: String(events.data?.items.at(-1)?.position ?? after) })}
        >
          {T.log.newer}
        </button>
      </p>
    </section>
  );
}
