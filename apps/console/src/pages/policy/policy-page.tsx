import { useState, type ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link, useSearch } from '@tanstack/react-router';
import { Search } from 'lucide-react';
import type { PolicyVersionsAnswer } from '@bailiwick/contracts/policy/deployment';
import { get } from '../../api/client';
import { AgentJson, AgentText } from '../../parts/agent-text';
import { Columns } from '../../parts/columns';
import { Id, Risk } from '../../parts/marks';
import { Failed, Loading } from '../../parts/states';
import { When } from '../../parts/when';
import { hasOneOf, useCaller } from '../../session/session';
import { T } from '../../texts';
import { Compare } from './compare';
import { Simulator } from './simulator';

type Entry = Readonly<Record<string, unknown>>;
interface Version {
  readonly version: number;
  readonly digest: string;
  readonly bundle: Readonly<Record<string, readonly Entry[] | undefined>>;
  readonly deployedAt?: string;
}
interface Signal {
  readonly verb: string;
  readonly agentClass: string;
  readonly permits: number;
  readonly denials: number;
  readonly asked: number;
  readonly approved: number;
  readonly refused: number;
}
const SECTIONS = ['approvals', 'rules', 'agents', 'catalog', 'tests'] as const;
const SHOWN = 60;

/** The policy in force, or a version of it, section by section, with what its use suggests. */
export function PolicyPage(): ReactNode {
  const { version, against } = useSearch({ from: '/policy' });
  const session = useCaller();
  const policy = useQuery({
    queryKey: ['policies', version ?? 'current'],
    queryFn: () => get<Version>(`/v1/policies/${encodeURIComponent(version ?? 'current')}`),
  });
  return (
    <div className="page">
      <header className="page-head">
        <h1>{T.policy.title}</h1>
        <p className="muted">{T.policy.lead}</p>
      </header>
      {policy.error ? (
        <Failed error={policy.error} retry={() => void policy.refetch()} />
      ) : !policy.data ? (
        <Loading />
      ) : (
        <>
          <p>
            {version === undefined && <span className="tag tag-good">{T.policy.inForce}</span>}{' '}
            {T.policy.columns.version} <strong className="num">{policy.data.version}</strong>{' '}
            {policy.data.version === 0 && <span className="muted">{T.policy.shipped}</span>}{' '}
            <Id>{policy.data.digest}</Id>
          </p>
          {against !== undefined && <Compared version={policy.data.version} against={against} />}
          <Sections bundle={policy.data.bundle} />
        </>
      )}
      <History />
      {hasOneOf(session, ['analyst', 'enforcer']) && <Simulator />}
      {hasOneOf(session, ['admin', 'analyst', 'approver']) && <Signals />}
    </div>
  );
}

function Sections({ bundle }: { bundle: Version['bundle'] }): ReactNode {
  const [find, setFind] = useState('');
  return (
    <>
      {SECTIONS.map((section) => {
        const all = bundle[section] ?? [];
        const wanted = find.trim().toLowerCase();
        const entries =
          section === 'catalog' && wanted !== ''
            ? all.filter((entry) => JSON.stringify(entry).toLowerCase().includes(wanted))
            : all;
        return (
          <details key={section} className="panel section" open={section === 'approvals'}>
            <summary>
              <h2>{T.policy.sections[section]}</h2> <span className="muted">{T.policy.entries(all.length)}</span>
            </summary>
            {section === 'catalog' && (
              <label className="search">
                <Search aria-hidden size={15} />
                <span className="visually-hidden">{T.policy.find}</span>
                <input
                  type="search"
                  placeholder={T.policy.find}
                  value={find}
                  onChange={({ target }) => setFind(target.value)}
                />
              </label>
            )}
            {entries.length === 0 && <p className="muted">{T.policy.none}</p>}
            <ul className="policy-entries">
              {entries.slice(0, SHOWN).map((entry, at) => (
                <li key={at}>
                  <PolicyEntry entry={entry} />
                </li>
              ))}
            </ul>
            {entries.length > SHOWN && <p className="muted small">{T.live.truncated(SHOWN)}</p>}
          </details>
        );
      })}
    </>
  );
}

function PolicyEntry({ entry }: { entry: Entry }): ReactNode {
  const { words, match, name, risk, ...rest } = entry;
  const patterns = Array.isArray(match) ? match.map(String) : [];
  return (
    <details>
      <summary className="policy-entry">
        <strong>
          <AgentText>
            {typeof name === 'string'
              ? name
              : patterns.slice(0, 3).join(', ') || (typeof rest.class === 'string' ? rest.class : '')}
          </AgentText>
          {patterns.length > 3 && <span className="muted"> +{patterns.length - 3}</span>}
        </strong>
        {typeof risk === 'string' && <Risk tier={risk} />}
        <span className="muted">
          <AgentText>{typeof words === 'string' ? words : ''}</AgentText>
        </span>
      </summary>
      <AgentJson value={entry} />
    </details>
  );
}

const useHistory = () =>
  useQuery({
    queryKey: ['policies', 'history'],
    queryFn: () => get<PolicyVersionsAnswer>('/v1/policies', { limit: 20 }),
  });

function Compared({ version, against }: { version: number; against: string }): ReactNode {
  const history = useHistory();
  const versions = history.data?.items.map((each) => each.version) ?? [];
  return <Compare version={version} against={against} versions={[...new Set([...versions, Number(against), 0])]} />;
}

function History(): ReactNode {
  const history = useHistory();
  const c = T.policy.columns;
  return (
    <section className="panel" aria-labelledby="history">
      <h2 id="history">{T.policy.history}</h2>
      {history.error && <Failed error={history.error} />}
      {history.data?.items.length === 0 && <p className="muted">{T.policy.historyEmpty}</p>}
      {(history.data?.items.length ?? 0) > 0 && (
        <table className="table table-cards">
          <Columns of={[c.version, c.time, c.by, c.changes]} />
          <tbody>
            {history.data?.items.map(({ version, at, by, replaces }) => (
              <tr key={version}>
                <th scope="row">
                  <Link to="/policy" search={{ version: String(version) }}>
                    {version}
                  </Link>{' '}
                  {version === history.data.current && <span className="tag tag-good">{T.policy.inForce}</span>}
                </th>
                <td>
                  <When at={at} />
                </td>
                <td>
                  <AgentText>{by}</AgentText>
                </td>
                <td>
                  <Link to="/policy" search={{ version: String(version), against: String(replaces) }}>
                    {T.policy.compare.link(replaces)}
                  </Link>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

function Signals(): ReactNode {
  const signals = useQuery({
    queryKey: ['policies', 'signals'],
    queryFn: () => get<{ verbs: readonly Signal[] }>('/v1/policies/signals'),
  });
  const c = T.policy.signalColumns;
  const numbers = [c.permits, c.denials, c.asked, c.approved, c.refused];
  return (
    <section className="panel" aria-labelledby="signals">
      <h2 id="signals">{T.policy.signals}</h2>
      <p className="muted">{T.policy.signalsLead}</p>
      {signals.error && <Failed error={signals.error} />}
      <table className="table table-cards">
        <Columns of={[c.verb, c.cls, ...numbers]} right={numbers} />
        <tbody>
          {signals.data?.verbs.slice(0, SHOWN).map((each) => (
            <tr key={`${each.verb} ${each.agentClass}`}>
              <th scope="row" className="mono">
                <AgentText>{each.verb}</AgentText>
              </th>
              <td>
                <AgentText>{each.agentClass}</AgentText>
              </td>
              {[each.permits, each.denials, each.asked, each.approved, each.refused].map((count, at) => (
                <td key={at} className="right num" data-label={numbers[at]}>
                  {count}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
