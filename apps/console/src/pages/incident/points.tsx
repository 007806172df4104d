import type { ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Check, CircleSlash, Hourglass, ShieldAlert, ShieldCheck, TriangleAlert, type LucideIcon } from 'lucide-react';
import type { PointsAnswer, PointView } from '@bailiwick/contracts/enforcement/points';
import { get } from '../../api/client';
import { AgentText } from '../../parts/agent-text';
import { Columns } from '../../parts/columns';
import { Failed, Loading } from '../../parts/states';
import { When } from '../../parts/when';
import { useCaller } from '../../session/session';
import { T } from '../../texts';

/** The gateway answers sooner if every point confirms, so that nothing is asked more often than it can change. */
const WAIT_MS = 3_000;
const AGAIN_MS = 1_000;

const LOOK: Readonly<Record<PointView['state'], readonly [string, LucideIcon]>> = {
  enforces: ['good', Check],
  behind: ['wait', Hourglass],
  closed: ['bad', TriangleAlert],
  silent: ['bad', TriangleAlert],
  gone: ['idle', CircleSlash],
};

/** Asks until every point confirms. The first answer comes at once, later ones when something changed or time is over. */
function usePoints(id: string, position: number) {
  const { tenant } = useCaller();
  const log = `${tenant}/${id.split('_')[1] ?? '0'}`;
  return useQuery({
    queryKey: ['points', id, position],
    queryFn: ({ client, queryKey, signal }) => {
      const waitMs = client.getQueryData(queryKey) === undefined ? 0 : WAIT_MS;
      return get<PointsAnswer>('/v1/enforcement-points', { log, position, revocation: id, waitMs }, signal);
    },
    refetchInterval: ({ state }) => (state.data?.confirmed ? false : AGAIN_MS),
  });
}

/** Where a stop is in effect: each point, how far it enforces the log, and how long it took. */
export function Points({ id, position }: { id: string; position: number }): ReactNode {
  const points = usePoints(id, position);
  const p = T.incident.points;
  return (
    <section className="panel" aria-labelledby="points">
      <h2 id="points">{p.title}</h2>
      <p className="muted small">{p.lead(position.toLocaleString())}</p>
      {points.error && <Failed error={points.error} retry={() => void points.refetch()} />}
      {points.data ? <Answer of={points.data} /> : !points.error && <Loading />}
    </section>
  );
}

function Answer({ of: answer }: { of: PointsAnswer }): ReactNode {
  const { items, tokensEndBy } = answer;
  const p = T.incident.points;
  const c = p.columns;
  return (
    <>
      <Verdict of={answer} />
      <table className="table table-cards">
        <Columns
          of={[c.name, c.state, c.epoch, c.after, c.inFlight, c.aborted]}
          right={[c.epoch, c.after, c.inFlight, c.aborted]}
        />
        <tbody>
          {items.map((point) => (
            <Point key={point.name} of={point} />
          ))}
        </tbody>
      </table>
      {tokensEndBy !== undefined && (
        <p className="muted small">
          {p.tokens} <When at={tokensEndBy} />
        </p>
      )}
    </>
  );
}

/** One sentence for all points, as `bailiwick revoke` prints it. */
function Verdict({ of }: { of: PointsAnswer }): ReactNode {
  const { items, confirmed, settlingMs, overflow, leftOut = [] } = of;
  const p = T.incident.points;
  const counted = items.filter(({ state }) => state !== 'gone');
  const pending = counted.filter(({ state }) => state !== 'enforces').length;
  const slowest = Math.max(0, ...items.map(({ afterMs = 0 }) => afterMs));
  const Icon = confirmed ? ShieldCheck : ShieldAlert;
  return (
    <div className={`notice ${confirmed ? 'notice-good' : 'notice-wait'}`} role="status">
      <Icon aria-hidden size={18} />
      <div>
        <strong>{confirmed ? p.confirmed(counted.length) : p.unconfirmed(pending, counted.length)}</strong>
        {confirmed && slowest > 0 && <p>{p.slowest(timeText(slowest))}</p>}
        {settlingMs !== undefined && <p>{p.settling(Math.ceil(settlingMs / 1_000))}</p>}
        {overflow && (
          <p>
            {p.overflow} <AgentText>{leftOut.join(', ')}</AgentText>
          </p>
        )}
        {!confirmed && items.some(({ kind, state }) => kind === 'owner' && state === 'enforces') && <p>{p.decided}</p>}
      </div>
    </div>
  );
}

function Point({ of }: { of: PointView }): ReactNode {
  const { name, kind, state, process, epoch, afterMs, silentMs = 0, boundMs = 0, inFlight, aborted } = of;
  const p = T.incident.points;
  const c = p.columns;
  const [tone, Icon] = LOOK[state];
  const trouble =
    state === 'enforces' ? '' : kind === 'owner' ? p.owner : p.troubles[state](timeText(silentMs), timeText(boundMs));
  const after = kind === 'owner' ? p.atOnce : afterMs === undefined ? '–' : timeText(afterMs);
  return (
    <tr>
      <th scope="row">
        <AgentText>{name}</AgentText>
        {process !== undefined && (
          <>
            {' '}
            <span className="muted small">
              <AgentText>{process}</AgentText>
            </span>
          </>
        )}
      </th>
      <td className="wide">
        <span className={`tag tag-${tone}`}>
          <Icon aria-hidden size={13} strokeWidth={2.4} />
          {p.states[state]}
        </span>
        {trouble !== '' && <p className="small">{trouble}</p>}
      </td>
      <td className="right num" data-label={c.epoch}>
        {epoch?.toLocaleString() ?? '–'}
      </td>
      <td className="right num" data-label={c.after}>
        {state === 'enforces' ? after : '–'}
      </td>
      <td className="right num" data-label={c.inFlight}>
        {inFlight ?? '–'}
      </td>
      <td className="right num" data-label={c.aborted}>
        {aborted ?? '–'}
      </td>
    </tr>
  );
}

/** A length of time that can be compared at a glance. */
const timeText = (ms: number): string => (ms < 1_000 ? `${Math.round(ms)} ms` : `${Number((ms / 1_000).toFixed(1))} s`);
