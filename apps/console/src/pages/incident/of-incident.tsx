import { useState, type ReactNode, type SubmitEvent } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Search } from 'lucide-react';
import { readPages } from '../../api/pages';
import type { LogEvent } from '../../api/live-events';
import { Columns } from '../../parts/columns';
import { Id } from '../../parts/marks';
import { Empty, Failed, Loading } from '../../parts/states';
import { When } from '../../parts/when';
import { T } from '../../texts';

const LIMIT = 1_000;
const PAGES_MAX = 20;

/** Asks for the id of an incident whose stops are wanted. */
export function FindIncident({ value, onFind }: { value: string; onFind: (incident: string) => void }): ReactNode {
  const [typed, setTyped] = useState(value);
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    onFind(typed.trim());
  };
  return (
    <form className="actions no-print" onSubmit={submit}>
      <label className="field field-inline">
        {T.incident.of.label}
        <input
          required
          maxLength={100}
          placeholder="INC-2041"
          spellCheck={false}
          autoComplete="off"
          value={typed}
          onChange={({ target }) => setTyped(target.value)}
        />
      </label>
      <button type="submit" className="button">
        <Search aria-hidden size={16} /> {T.incident.of.find}
      </button>
    </form>
  );
}

/** The revocations and suspensions that name an incident, oldest first. */
export function OfIncident({ incident }: { incident: string }): ReactNode {
  const found = useQuery({
    queryKey: ['revocation', 'of', incident],
    queryFn: async ({ signal }) => {
      const reading = { limit: LIMIT, pagesMax: PAGES_MAX, nextAs: 'after', signal } as const;
      const { items, isCut } = await readPages<LogEvent>('/v1/events', { type: 'RevocationRuleAdded' }, reading);
      return { items: items.filter(({ data }) => data.incident === incident), isCut };
    },
    meta: { restMs: 5_000 },
  });
  const o = T.incident.of;
  const c = o.columns;
  return (
    <section className="panel" aria-labelledby="of-incident">
      <h2 id="of-incident">{o.title(incident)}</h2>
      {found.error && <Failed error={found.error} retry={() => void found.refetch()} />}
      {found.isPending && <Loading />}
      {found.data?.items.length === 0 && <Empty title={o.empty}>{o.emptyHow}</Empty>}
      {found.data && found.data.items.length > 0 && (
        <table className="table table-cards">
          <Columns of={[c.id, c.mode, c.at]} />
          <tbody>
            {found.data.items.map(({ data, time }) => (
              <tr key={String(data.revocationId)}>
                <th scope="row">
                  <Link to="/incident" search={{ revocation: String(data.revocationId) }}>
                    <Id>{String(data.revocationId)}</Id>
                  </Link>
                </th>
                <td data-label={c.mode}>{T.incident.doneTitle[data.mode === 'suspend' ? 'suspend' : 'revoke']}</td>
                <td data-label={c.at}>
                  <When at={time} />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {found.data?.isCut && <p className="small">{o.cut}</p>}
    </section>
  );
}
