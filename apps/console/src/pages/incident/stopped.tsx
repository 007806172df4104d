import type { ReactNode } from 'react';
import { useInfiniteQuery, useMutation } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Printer, ShieldCheck } from 'lucide-react';
import type { RevocationRecord } from '@bailiwick/contracts/revocations/record';
import { api, get } from '../../api/client';
import { nowMs } from '../../clock';
import { AgentText } from '../../parts/agent-text';
import { Columns } from '../../parts/columns';
import { costs, Id } from '../../parts/marks';
import { Empty, Failed, Loading } from '../../parts/states';
import { When } from '../../parts/when';
import { T } from '../../texts';
import { Points } from './points';
import { Regrants } from './regrants';
import { Resume } from './resume';
import { partsOf } from './selector-text';

const RECORD_MS = 2_000;
/** How long the record of a revocation is read at intervals: later ones come with the events of the log. */
const FILLS_MS = 120_000;
const COUNTS = ['grants', 'runs', 'inFlight', 'pendingApprovals'] as const;

const useRecord = (id: string) =>
  useInfiniteQuery({
    queryKey: ['revocation', id],
    queryFn: ({ pageParam, signal }) =>
      get<RevocationRecord>(`/v1/revocations/${encodeURIComponent(id)}`, { after: pageParam }, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: ({ next }) => next ?? undefined,
    // the record is written after the event, and only then found
    refetchInterval: ({ state }) => (fills(state.data?.pages[0]) ? RECORD_MS : false),
    retry: 5,
  });

const fills = (record: RevocationRecord | undefined): boolean =>
  record?.at === undefined || nowMs() - Date.parse(record.at) < FILLS_MS;

/** A revocation and its consequences, which the ledger records lease by lease. */
export function Stopped({ id, onAgain }: { id: string; onAgain: () => void }): ReactNode {
  const record = useRecord(id);
  const lift = useMutation({ mutationFn: () => api('DELETE', `/v1/quarantines/${encodeURIComponent(id)}`) });
  const [first] = record.data?.pages ?? [];
  if (record.error) return <Failed error={record.error} retry={() => void record.refetch()} />;
  if (!first) return <Loading />;
  const rows = record.data?.pages.flatMap(({ consequences }) => consequences) ?? [];
  return (
    <>
      <Envelope record={first} />
      <p className="actions no-print">
        <button type="button" className="button" onClick={onAgain}>
          {T.incident.again}
        </button>
        {first.quarantine && !lift.isSuccess && (
          <button type="button" className="button" disabled={lift.isPending} onClick={() => lift.mutate()}>
            {T.incident.lift}
          </button>
        )}
        {first.mode === 'suspend' && !hasEnded(first) && <Resume id={id} onResumed={() => void record.refetch()} />}
        <button type="button" className="button" onClick={() => print()}>
          <Printer aria-hidden size={16} /> {T.run.receiptPrint}
        </button>
      </p>
      {lift.isSuccess && <p role="status">{T.incident.lifted}</p>}
      {lift.error && <Failed error={lift.error} />}
      {first.position !== undefined && <Points id={id} position={first.position} />}
      <section className="panel" aria-labelledby="record">
        <h2 id="record">{T.incident.record}</h2>
        {rows.length === 0 ? (
          <Empty title={T.incident.recordEmpty} />
        ) : (
          <>
            <dl className="figures" aria-live="polite">
              {COUNTS.map((name) => (
                <div key={name} className="figure">
                  <dt>{T.incident.counts[name]}</dt>
                  <dd className="num">{first.counts[name].toLocaleString()}</dd>
                </div>
              ))}
            </dl>
            <Filled shown={rows.length} of={first} />
            <Consequences of={rows} />
            {record.hasNextPage && (
              <button
                type="button"
                className="button actions-low"
                disabled={record.isFetchingNextPage}
                onClick={() => void record.fetchNextPage()}
              >
                {T.more}
              </button>
            )}
          </>
        )}
      </section>
      {first.mode !== 'suspend' && first.target !== 'tool' && <Regrants id={id} />}
    </>
  );
}

/** How much of the record is shown, and whether more may still be written. */
function Filled({ shown, of }: { shown: number; of: RevocationRecord }): ReactNode {
  const { rows } = of.counts;
  return (
    <p className="small" role="status">
      <progress value={shown} max={Math.max(1, rows)} aria-label={T.incident.record} />{' '}
      <span>{T.incident.recordProgress(shown, rows)}</span>
      {fills(of) && <span className="muted"> · {T.incident.recordFills}</span>}
    </p>
  );
}

/** Whether a suspension holds nothing any more. */
const hasEnded = ({ resumedAt, until }: RevocationRecord): boolean =>
  resumedAt !== undefined || (until !== undefined && Date.parse(until) <= nowMs());

/** What was revoked or suspended, by whom, why, and from which position on. */
function Envelope({ record }: { record: RevocationRecord }): ReactNode {
  const { revocationId, selector, target, position, at, by, reason, incident, quarantine, until, resumedAt } = record;
  const mode = record.mode ?? 'revoke';
  const f = T.incident.facts;
  const facts: readonly [string, ReactNode][] = [
    [f.at, at === undefined ? undefined : <When at={at} />],
    [f.by, by === undefined ? undefined : <AgentText>{by}</AgentText>],
    [f.reason, reason === undefined ? undefined : <AgentText>{reason}</AgentText>],
    [f.incident, incident],
    [f.until, until === undefined || resumedAt !== undefined ? undefined : <When at={until} />],
    [f.resumedAt, resumedAt === undefined ? undefined : <When at={resumedAt} />],
    [f.id, <Id key="id">{revocationId}</Id>],
  ];
  return (
    <>
      <div className="notice notice-good" role="status">
        <ShieldCheck aria-hidden size={20} />
        <div>
          <strong>{resumedAt === undefined ? T.incident.doneTitle[mode] : T.incident.resumedTitle}</strong>
          {hasEnded(record) ? (
            <p>{T.incident.ended}</p>
          ) : (
            position !== undefined && <p>{T.incident.done(position.toLocaleString())}</p>
          )}
          {selector && (
            <p className="chips">
              {partsOf(selector, T.incident).map(({ name, text }) => (
                <span key={name} className="chip">
                  {name}: <AgentText>{text}</AgentText>
                </span>
              ))}
              {target && <span className="chip">{T.incident.targets[mode][target]}</span>}
              {quarantine && <span className="chip">{T.incident.quarantined}</span>}
            </p>
          )}
        </div>
      </div>
      <dl className="facts">
        {facts.map(
          ([name, value]) =>
            value !== undefined && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
    </>
  );
}

function Consequences({ of }: { of: RevocationRecord['consequences'] }): ReactNode {
  const c = T.incident.recordColumns;
  return (
    <table className="table table-cards">
      <Columns
        of={[c.agent, c.run, c.inFlight, c.approvals, c.reserved]}
        right={[c.inFlight, c.approvals, c.reserved]}
      />
      <tbody>
        {of.map((each) => (
          <tr key={'grantId' in each ? each.grantId : each.approvalId}>
            <th scope="row">
              <AgentText>{each.agentClass}</AgentText>{' '}
              {!('grantId' in each) && <span className="muted">{T.incident.request}</span>}
            </th>
            <td>
              <Link to="/runs/$id" params={{ id: each.runId }}>
                <Id>{each.runId}</Id>
              </Link>
            </td>
            <td className="right num" data-label={c.inFlight}>
              {each.inFlight}
            </td>
            <td className="right num" data-label={c.approvals}>
              {each.pendingApprovals}
            </td>
            <td className="right num" data-label={c.reserved}>
              {costs(each.reservedCost)}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
