import type { ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { get } from '../../api/client';
import { AgentJson, AgentText } from '../../parts/agent-text';
import { Failed, Loading } from '../../parts/states';
import { hasOneOf, useCaller } from '../../session/session';
import { T } from '../../texts';
import { diffOf, type Bundle, type EntryChange } from './bundle-diff';
import { Meaning } from './meaning';

const CHANGES_MAX = 200;
/** A section with more changes is closed at first. */
const OPEN_MAX = 20;
/** The roles that may compare what two policies mean. */
const DIFF_ROLES = ['admin', 'analyst'];

/** What differs between two versions of the policy, section by section. */
export function Compare({
  version,
  against,
  versions,
}: {
  version: number;
  against: string;
  versions: readonly number[];
}): ReactNode {
  const navigate = useNavigate({ from: '/policy' });
  const bundleOf = (of: string) => ({
    queryKey: ['policies', of],
    queryFn: () => get<{ version: number; bundle: Bundle }>(`/v1/policies/${encodeURIComponent(of)}`),
  });
  const before = useQuery(bundleOf(against));
  const after = useQuery(bundleOf(String(version)));
  const session = useCaller();
  const c = T.policy.compare;
  const error = before.error ?? after.error;
  return (
    <section className="panel" aria-labelledby="compare">
      <header className="panel-head">
        <h2 id="compare">{c.title(version)}</h2>
        <span className="grow" />
        <label className="field field-inline">
          {c.with}
          <select
            value={against}
            onChange={({ target }) => void navigate({ search: (now) => ({ ...now, against: target.value }) })}
          >
            {versions
              .filter((each) => each !== version)
              .map((each) => (
                <option key={each} value={each}>
                  {c.versionOf(each)}
                </option>
              ))}
          </select>
        </label>
        <button
          type="button"
          className="button button-small"
          onClick={() => void navigate({ search: (now) => ({ ...now, against: undefined }) })}
        >
          {T.close}
        </button>
      </header>
      {error ? (
        <Failed error={error} />
      ) : !before.data || !after.data ? (
        <Loading />
      ) : (
        <>
          {hasOneOf(session, DIFF_ROLES) && <Meaning version={version} against={against} bundle={after.data.bundle} />}
          {diffOf(before.data.bundle, after.data.bundle).map(({ section, changes, unchanged }) => (
            <details key={section} open={changes.length > 0 && changes.length <= OPEN_MAX}>
              <summary>
                <h3 className="compare-section">
                  {T.policy.sections[section] ?? section}{' '}
                  <span className="muted">{c.counts(changes.length, unchanged)}</span>
                </h3>
              </summary>
              <ul className="policy-entries">
                {changes.slice(0, CHANGES_MAX).map((change) => (
                  <li key={change.name}>
                    <Change change={change} />
                  </li>
                ))}
              </ul>
              {changes.length > CHANGES_MAX && <p className="muted small">{T.live.truncated(CHANGES_MAX)}</p>}
            </details>
          ))}
        </>
      )}
    </section>
  );
}

function Change({ change: { name, before, after, members } }: { change: EntryChange }): ReactNode {
  const c = T.policy.compare;
  const kind = before === undefined ? 'added' : after === undefined ? 'removed' : 'changed';
  const tone = { added: 'tag-good', removed: 'tag-bad', changed: 'tag-wait' }[kind];
  return (
    <details>
      <summary className="policy-entry policy-change">
        <span className={`tag ${tone}`}>{c.kinds[kind]}</span>
        <strong className="clamp-1">
          <AgentText>{name}</AgentText>
        </strong>
        <span className="muted">{members.join(', ')}</span>
      </summary>
      <div className="diff">
        {before !== undefined && (
          <div>
            <h4 className="small">{c.before}</h4>
            <AgentJson value={before} />
          </div>
        )}
        {after !== undefined && (
          <div>
            <h4 className="small">{c.after}</h4>
            <AgentJson value={after} />
          </div>
        )}
      </div>
    </details>
  );
}
