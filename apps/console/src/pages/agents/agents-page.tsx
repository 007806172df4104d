import { useMemo, type ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { Bot, Search, UserX } from 'lucide-react';
import { get } from '../../api/client';
import { NEWEST_DAYS } from '../../api/pages';
import { RECENT_MAX, useAllLiveGrants, useRecentRuns } from '../../api/queries';
import { AgentText } from '../../parts/agent-text';
import { Columns } from '../../parts/columns';
import { Empty, Failed, Loading } from '../../parts/states';
import { When } from '../../parts/when';
import { T } from '../../texts';
import { ClassPanel } from './class-panel';
import { inventoryOf, type AgentClass, type Manifest } from './inventory';
import { Offboarding } from './offboarding';

const VIEWS = ['all', 'holding', 'orphans'] as const;

/** The classes of agents and their instances: who answers for them, what they hold and used, and when they were seen. */
export function AgentsPage(): ReactNode {
  const search = useSearch({ from: '/agents' });
  const navigate = useNavigate({ from: '/agents' });
  const recent = useRecentRuns();
  const grants = useAllLiveGrants();
  const manifests = useQuery({
    queryKey: ['policies', 'current'],
    queryFn: () => get<{ bundle: { agents?: readonly Manifest[] } }>('/v1/policies/current'),
  });
  const classes = useMemo(
    () =>
      recent.data && grants.data && manifests.data
        ? inventoryOf(recent.data.items, grants.data.items, manifests.data.bundle.agents ?? [])
        : undefined,
    [recent.data, manifests.data, grants.data],
  );
  const view = VIEWS.find((each) => each === search.view) ?? 'all';
  const wanted = (search.q ?? '').trim().toLowerCase();
  const shown = classes?.filter((each) => isIn(each, view) && (wanted === '' || textOf(each).includes(wanted)));
  const chosen = classes?.find(({ name }) => name === search.class);
  const error = recent.error ?? manifests.error ?? grants.error;
  return (
    <div className="page">
      <header className="page-head page-head-row">
        <div>
          <h1>{T.agents.title}</h1>
          <p className="muted">{T.agents.lead(NEWEST_DAYS)}</p>
        </div>
        <Link to="/agents" search={(now) => ({ ...now, offboard: '' })} className="button no-print">
          <UserX aria-hidden size={16} /> {T.agents.offboard.open}
        </Link>
      </header>
      {search.offboard !== undefined && (
        <Offboarding
          person={search.offboard}
          people={[...new Set(classes?.flatMap(({ people }) => people))]}
          classes={classes ?? []}
        />
      )}
      {(recent.data?.isCut || grants.data?.isCut) && <p className="notice notice-wait">{T.agents.cut(RECENT_MAX)}</p>}
      <div className="toolbar">
        <label className="search">
          <Search aria-hidden size={15} />
          <span className="visually-hidden">{T.agents.find}</span>
          <input
            type="search"
            placeholder={T.agents.find}
            value={search.q ?? ''}
            onChange={({ target }) =>
              void navigate({ search: (now) => ({ ...now, q: target.value || undefined }), replace: true })
            }
          />
        </label>
        <div className="segments" role="group" aria-label={T.agents.view}>
          {VIEWS.map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={view === each}
              onClick={() => void navigate({ search: (now) => ({ ...now, view: each }), replace: true })}
            >
              {T.agents.views[each]}{' '}
              {classes && <span className="num">{classes.filter((one) => isIn(one, each)).length}</span>}
            </button>
          ))}
        </div>
      </div>
      {error ? (
        <Failed
          error={error}
          retry={() => {
            for (const each of [recent, grants, manifests]) if (each.error) void each.refetch();
          }}
        />
      ) : !shown ? (
        <Loading />
      ) : shown.length === 0 ? (
        <Empty title={T.agents.emptyTitle} icon={Bot}>
          {T.agents.empty[view]}
        </Empty>
      ) : (
        <div className={chosen ? 'tree-and-panel agents-split' : undefined}>
          <ClassTable classes={shown} chosen={chosen?.name} />
          {chosen && <ClassPanel key={chosen.name} of={chosen} />}
        </div>
      )}
    </div>
  );
}

const isIn = (each: AgentClass, view: (typeof VIEWS)[number]): boolean =>
  view === 'all' || (view === 'holding' ? each.leases.length > 0 : each.owner === undefined);
const textOf = ({ name, owner = '', people, instances }: AgentClass): string =>
  [name, owner, ...people, ...instances.map((each) => each.name)].join('\n').toLowerCase();

function ClassTable({ classes, chosen }: { classes: readonly AgentClass[]; chosen: string | undefined }): ReactNode {
  const c = T.agents.columns;
  return (
    <section className="panel" aria-labelledby="classes">
      <h2 id="classes">{T.agents.classes}</h2>
      <table className="table table-cards">
        <Columns of={[c.name, c.owner, c.instances, c.leases, c.seen]} right={[c.instances, c.leases]} />
        <tbody>
          {classes.map((each) => (
            <tr key={each.name}>
              <th scope="row">
                <Link
                  to="/agents"
                  search={(now) => ({ ...now, class: each.name })}
                  className="row-link"
                  aria-current={each.name === chosen ? 'true' : undefined}
                  activeProps={{}}
                >
                  <AgentText>{each.name}</AgentText>
                </Link>
              </th>
              <td>
                {each.owner === undefined ? (
                  <span className="tag tag-wait">{T.agents.orphan}</span>
                ) : (
                  <AgentText>{each.owner}</AgentText>
                )}
              </td>
              <td className="right num">{T.agents.instancesOf(each.instances.length)}</td>
              <td className="right num">{T.agents.leasesOf(each.leases.length)}</td>
              <td>
                {each.lastSeen === undefined ? (
                  <span className="muted">{T.agents.never(NEWEST_DAYS)}</span>
                ) : (
                  <When at={each.lastSeen} />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
