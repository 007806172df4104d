import type { ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { QueryMeta } from '../../api/changes';
import { readNewest } from '../../api/pages';
import { LIST_LIMIT } from '../../api/queries';
import type { Action } from '../../api/shapes';
import { AgentText } from '../../parts/agent-text';
import { Failed, Loading } from '../../parts/states';
import { When } from '../../parts/when';
import { hasOneOf, useCaller } from '../../session/session';
import { T } from '../../texts';
import { grouped, type AgentClass } from './inventory';

const SHOWN = 50;
const REST: QueryMeta = { restMs: 5_000 };

/** One class of agents: its instances, what it holds, and which of that it used. */
export function ClassPanel({ of }: { of: AgentClass }): ReactNode {
  const session = useCaller();
  const p = T.agents.panel;
  return (
    <section className="panel" aria-labelledby="class-panel">
      <header className="panel-head">
        <h2 id="class-panel">
          <AgentText>{of.name}</AgentText>
        </h2>
        {of.owner === undefined && <span className="tag tag-wait">{T.agents.orphan}</span>}
      </header>
      <p className="muted small">
        {of.owner === undefined ? p.orphan : p.owner} <AgentText>{of.owner}</AgentText>
      </p>
      <h3>{p.holds}</h3>
      {of.holds.length === 0 ? (
        <p className="muted small">{p.holdsNothing}</p>
      ) : (
        <ul className="chips">
          {of.holds.map((verb) => (
            <li key={verb} className="chip chip-good">
              <AgentText>{verb}</AgentText>
            </li>
          ))}
        </ul>
      )}
      <Used name={of.name} />
      <h3>{p.people}</h3>
      <ul className="plain small">
        {of.people.map((person) => (
          <li key={person}>
            <AgentText>{person}</AgentText>
          </li>
        ))}
      </ul>
      <h3>{p.instances}</h3>
      <ul className="plain small">
        {of.instances.slice(0, SHOWN).map(({ name, modelVersion, runs, holding, lastSeen }) => (
          <li key={name}>
            <strong>{name === '' ? p.unnamed : <AgentText>{name}</AgentText>}</strong>{' '}
            <AgentText>{modelVersion}</AgentText> {p.runs(runs, holding)} · <When at={lastSeen} />
          </li>
        ))}
      </ul>
      {of.instances.length > SHOWN && <p className="muted small">{T.live.truncated(SHOWN)}</p>}
      <p className="actions">
        <Link to="/" search={{ q: of.name }} className="button button-small">
          {p.live}
        </Link>
        {hasOneOf(session, ['responder']) && of.leases.length > 0 && (
          <Link to="/incident" search={{ agentClass: of.name }} className="button button-small button-bad">
            {p.stop}
          </Link>
        )}
      </p>
    </section>
  );
}

/** The verbs of its newest calls that were permitted, and how often each was. */
function Used({ name }: { name: string }): ReactNode {
  const actions = useQuery({
    queryKey: ['actions', 'class', name],
    queryFn: ({ signal }) =>
      readNewest<Action>(
        '/v1/actions',
        { agentClass: name, status: 'permitted' },
        { limit: LIST_LIMIT, pagesMax: 1, signal },
      ),
    meta: REST,
  });
  const p = T.agents.panel;
  if (actions.error) return <Failed error={actions.error} />;
  if (!actions.data) return <Loading />;
  const verbs = [...grouped(actions.data.items, ({ verb }) => verb)].sort(([, a], [, b]) => b.length - a.length);
  return (
    <>
      <h3>{p.used}</h3>
      {verbs.length === 0 ? (
        <p className="muted small">{p.usedNothing}</p>
      ) : (
        <ul className="chips">
          {verbs.map(([verb, calls]) => (
            <li key={verb} className="chip">
              <AgentText>{verb}</AgentText> × {calls.length}
            </li>
          ))}
        </ul>
      )}
      {actions.data.isCut && <p className="muted small">{p.usedFirst(LIST_LIMIT)}</p>}
    </>
  );
}
