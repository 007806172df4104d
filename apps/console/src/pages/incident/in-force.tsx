import type { ReactNode } from 'react';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { InForceAnswer, RevocationInForce } from '@bailiwick/contracts/revocations/record';
import { get } from '../../api/client';
import { AgentText } from '../../parts/agent-text';
import { Columns } from '../../parts/columns';
import { Id } from '../../parts/marks';
import { Failed } from '../../parts/states';
import { When } from '../../parts/when';
import { T } from '../../texts';
import { partsOf } from './selector-text';

/** The suspensions and quarantines that apply now. Each is lifted on its own page; nothing is shown if there are none. */
export function InForce(): ReactNode {
  const found = useInfiniteQuery({
    queryKey: ['revocation', 'in force'],
    queryFn: ({ pageParam, signal }) => get<InForceAnswer>('/v1/revocations', { before: pageParam }, signal),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    meta: { restMs: 5_000 },
  });
  const items = found.data?.pages.flatMap((page) => page.items) ?? [];
  const f = T.incident.inForce;
  const c = f.columns;
  if (found.error) return <Failed error={found.error} retry={() => void found.refetch()} />;
  if (items.length === 0) return null;
  return (
    <section className="panel no-print" aria-labelledby="in-force">
      <h2 id="in-force">{f.title}</h2>
      <table className="table table-cards">
        <Columns of={[c.selector, c.does, c.since, c.by, c.id]} />
        <tbody>
          {items.map((each) => (
            <Row key={each.revocationId} of={each} />
          ))}
        </tbody>
      </table>
      {found.hasNextPage && (
        <button
          type="button"
          className="button actions-low"
          disabled={found.isFetchingNextPage}
          onClick={() => void found.fetchNextPage()}
        >
          {T.more}
        </button>
      )}
    </section>
  );
}

function Row({ of: each }: { of: RevocationInForce }): ReactNode {
  const { revocationId, selector = {}, mode, target, quarantine, until, at, by, reason, incident } = each;
  const { columns: c, does } = T.incident.inForce;
  const effects = [
    mode === 'suspend' && (target === 'tool' ? does.denies : does.suspends),
    quarantine === true && (target === 'tool' ? does.deniesNew : does.refusesNew),
  ].filter((text) => text !== false);
  return (
    <tr>
      <th scope="row">
        {partsOf(selector, T.incident).map(({ name, text }) => (
          <span key={name} className="chip">
            {name}: <AgentText>{text}</AgentText>
          </span>
        ))}
        {(reason ?? incident) !== undefined && (
          <p className="muted small">
            <AgentText>{[incident, reason].filter((part) => part !== undefined).join(' · ')}</AgentText>
          </p>
        )}
      </th>
      <td data-label={c.does}>
        {effects.join(', ')}
        {until !== undefined && (
          <>
            {' '}
            {does.until} <When at={until} />
          </>
        )}
      </td>
      <td data-label={c.since}>{at === undefined ? '–' : <When at={at} />}</td>
      <td data-label={c.by}>{by === undefined ? '–' : <AgentText>{by}</AgentText>}</td>
      <td data-label={c.id}>
        <Link to="/incident" search={{ revocation: revocationId }}>
          {T.incident.inForce.open} <Id>{revocationId}</Id>
        </Link>
      </td>
    </tr>
  );
}
