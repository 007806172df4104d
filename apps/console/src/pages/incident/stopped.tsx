import type { ReactNode } from 'react';
import { useMutation, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { ShieldCheck } from 'lucide-react';
import { api, get } from '../../api/client';
import type { Revocation } from '../../api/shapes';
import { AgentText } from '../../parts/agent-text';
import { Columns } from '../../parts/columns';
import { costs, Id } from '../../parts/marks';
import { Empty, Failed, Loading } from '../../parts/states';
import { T } from '../../texts';

const RECORD_MS = 2_000;

/** A revocation and its consequences, which the ledger records lease by lease. */
export function Stopped({ id, onAgain }: { id: string; onAgain: () => void }): ReactNode {
  const revocation = useQuery({
    queryKey: ['revocation', id],
    queryFn: () => get<Revocation>(`/v1/revocations/${encodeURIComponent(id)}`),
    // the record is written after the event, and only then found
    refetchInterval: RECORD_MS,
    retry: 5,
  });
  const lift = useMutation({ mutationFn: () => api('DELETE', `/v1/quarantines/${encodeURIComponent(id)}`) });
  if (revocation.isPending) return <Loading />;
  if (revocation.error) return <Failed error={revocation.error} retry={() => void revocation.refetch()} />;
  const { selector, position, consequences, quarantine } = revocation.data;
  const c = T.incident.recordColumns;
  return (
    <>
      <div className="notice notice-good" role="status">
        <ShieldCheck aria-hidden size={20} />
        <div>
          <strong>{T.incident.doneTitle}</strong>
          <p>{T.incident.done(position.toLocaleString())}</p>
          <p className="small">
            {Object.entries(selector).map(([field, value]) => (
              <span key={field} className="chip">
                {T.incident.fields[field] ?? field}: <AgentText>{value}</AgentText>
              </span>
            ))}{' '}
            <Id>{id}</Id>
          </p>
        </div>
      </div>
      <p className="actions no-print">
        <button type="button" className="button" onClick={onAgain}>
          {T.incident.again}
        </button>
        {quarantine && !lift.isSuccess && (
          <button type="button" className="button" disabled={lift.isPending} onClick={() => lift.mutate()}>
            {T.incident.lift}
          </button>
        )}
      </p>
      {lift.isSuccess && <p role="status">{T.incident.lifted}</p>}
      {lift.error && <Failed error={lift.error} />}
      <h2>{T.incident.record}</h2>
      {consequences.length === 0 ? (
        <Empty title={T.incident.recordEmpty} />
      ) : (
        <table className="table table-cards">
          <Columns
            of={[c.agent, c.run, c.inFlight, c.approvals, c.reserved]}
            right={[c.inFlight, c.approvals, c.reserved]}
          />
          <tbody>
            {consequences.map((each) => (
              <tr key={each.grantId}>
                <th scope="row">
                  <AgentText>{each.agentClass}</AgentText>
                </th>
                <td>
                  <Link to="/runs/$id" params={{ id: each.runId }}>
                    <Id>{each.runId}</Id>
                  </Link>
                </td>
                <td className="right num">{each.inFlight}</td>
                <td className="right num">{each.pendingApprovals}</td>
                <td className="right num">{costs(each.reservedCost)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
