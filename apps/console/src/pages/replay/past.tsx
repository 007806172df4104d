import { useMemo, type ReactNode } from 'react';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { ChevronLeft, ChevronRight } from 'lucide-react';
import type { Reason } from '@bailiwick/contracts/reason';
import type { ReplayAnswer } from '@bailiwick/contracts/replay/replay';
import type { LogEvent } from '../../api/live-events';
import type { Tree } from '../../api/queries';
import { AgentText, visibleText } from '../../parts/agent-text';
import { Reasons } from '../../parts/reasons';
import { Failed, Loading } from '../../parts/states';
import { When } from '../../parts/when';
import { T } from '../../texts';
import { GrantPanel } from '../run/grant-panel';
import { LeaseTree } from '../run/lease-tree';
import { kindOf, KINDS, nearest, placeAt } from './moments';
import { EVENTS_MAX, useTreeAt, type Past as PastEvents } from './past-queries';

/** The slider over the events of a tree, the event that it is at, and the tree as it was then. */
export function Past({
  treeId,
  past: { events, isCut },
  position,
  answer,
  onGo,
}: {
  treeId: string;
  past: PastEvents;
  position: number;
  answer: ReplayAnswer | undefined;
  onGo: (position: number) => void;
}): ReactNode {
  const at = placeAt(events, position);
  const event = events[at];
  const differing = useMemo(
    () => new Set(answer?.differences.map((difference) => difference.position)),
    [answer?.differences],
  );
  const tree = useTreeAt(treeId, event?.position);
  const go = (to: number | undefined): void => {
    const next = to === undefined ? undefined : events[to];
    if (next) onGo(next.position);
  };
  const steps = [
    ...KINDS.map((kind) => [T.replay.next[kind], (each: LogEvent) => kindOf(each) === kind] as const),
    ...(answer ? [[T.replay.nextDifference, (each: LogEvent) => differing.has(each.position)] as const] : []),
  ];
  if (!event) return null;
  const words = T.replay.events[event.type] ?? event.type;
  return (
    <>
      <section className="panel" aria-labelledby="past">
        <header className="panel-head">
          <h2 id="past">{T.replay.past}</h2>
          <span className="muted small num">{T.replay.at(at + 1, events.length)}</span>
          {isCut && <span className="tag tag-wait">{T.replay.cut(EVENTS_MAX)}</span>}
        </header>
        <Lanes events={events} at={at} differing={answer && differing}>
          <input
            type="range"
            className="past-slider"
            aria-label={T.replay.slider}
            aria-valuetext={`${T.replay.at(at + 1, events.length)}: ${words}`}
            min={0}
            max={events.length - 1}
            value={at}
            onChange={({ target }) => go(Number(target.value))}
          />
        </Lanes>
        <div className="actions no-print">
          <button type="button" className="button button-small" disabled={at === 0} onClick={() => go(at - 1)}>
            <ChevronLeft aria-hidden size={15} /> {T.replay.previous}
          </button>
          <button
            type="button"
            className="button button-small"
            disabled={at === events.length - 1}
            onClick={() => go(at + 1)}
          >
            {T.replay.following} <ChevronRight aria-hidden size={15} />
          </button>
          {steps.map(([name, isWanted]) => {
            const next = nearest(events, at, 1, isWanted);
            return (
              <button
                key={name}
                type="button"
                className="button button-small"
                disabled={next === undefined}
                onClick={() => go(next)}
              >
                {name}
              </button>
            );
          })}
        </div>
        <Moment event={event} words={words} tree={tree.data} />
      </section>
      {tree.error ? (
        <Failed error={tree.error} retry={() => void tree.refetch()} />
      ) : tree.data ? (
        <TreeThen tree={tree.data} event={event} />
      ) : (
        <Loading />
      )}
    </>
  );
}

/** The tree at the position, with the lease of the event chosen unless another one is. */
function TreeThen({ tree, event }: { tree: Tree; event: LogEvent }): ReactNode {
  const { grant } = useSearch({ from: '/replay' });
  const navigate = useNavigate({ from: '/replay' });
  const chosen =
    tree.grants.find(({ id }) => id === grant) ?? tree.grants.find(({ id }) => id === event.grantId) ?? tree.grants[0];
  return (
    <div className="tree-and-panel">
      <LeaseTree
        tree={tree}
        chosen={chosen?.id}
        onChoose={(id) => void navigate({ search: (now) => ({ ...now, grant: id }), replace: true })}
      />
      {chosen && <GrantPanel grant={chosen} run={tree.runs.find(({ id }) => id === chosen.runId)} />}
    </div>
  );
}

/** What happened at the position. */
function Moment({ event, words, tree }: { event: LogEvent; words: string; tree: Tree | undefined }): ReactNode {
  const { verb, resource, reasons, reason } = event.data as {
    verb?: unknown;
    resource?: { type?: unknown; id?: unknown };
    reasons?: unknown;
    reason?: unknown;
  };
  const run = tree?.runs.find(({ id }) => id === event.runId);
  const kind = kindOf(event);
  return (
    <div className={`moment moment-${kind ?? 'other'}`} role="status">
      <p className="entry-line">
        <strong>{words}</strong>
        {typeof verb === 'string' && (
          <code>
            <AgentText>{verb}</AgentText>
          </code>
        )}
        {typeof resource?.id === 'string' && (
          <span className="entry-resource">
            <AgentText>{`${String(resource.type)} ${resource.id}`}</AgentText>
          </span>
        )}
        <span className="muted">
          <AgentText>{run?.agent.class}</AgentText>
        </span>
        <span className="muted entry-agent">
          <When at={event.time} /> · {T.replay.position(event.position)} ·{' '}
          <AgentText>{event.actor?.id.startsWith('run_') ? run?.agent.class : event.actor?.id}</AgentText>
        </span>
      </p>
      {typeof reason === 'string' && (
        <p className="muted">
          <AgentText>{reason}</AgentText>
        </p>
      )}
      {Array.isArray(reasons) && reasons.length > 0 && typeof reasons[0] === 'object' && (
        <Reasons of={reasons as Reason[]} />
      )}
    </div>
  );
}

const LANE_PX = 20;
const WIDTH = 1_000;

/** Where in the past denials, approvals and revocations are: a separate lane for each kind. */
function Lanes({
  events,
  at,
  differing,
  children,
}: {
  events: readonly LogEvent[];
  at: number;
  differing: ReadonlySet<number> | undefined;
  children: ReactNode;
}): ReactNode {
  const lanes = [
    ...KINDS.map((kind) => ({ name: kind, is: (event: LogEvent) => kindOf(event) === kind })),
    ...(differing ? [{ name: 'difference' as const, is: ({ position }: LogEvent) => differing.has(position) }] : []),
  ];
  const xOf = (place: number): number => (events.length === 1 ? 0 : (place / (events.length - 1)) * WIDTH);
  return (
    <div className="lanes">
      <ul className="lanes-names">
        {lanes.map(({ name, is }) => (
          <li key={name} style={{ height: LANE_PX }}>
            {T.replay.lanes[name]} <span className="num">{events.filter(is).length}</span>
          </li>
        ))}
      </ul>
      <svg
        className="lanes-marks"
        viewBox={`0 0 ${WIDTH} ${lanes.length * LANE_PX}`}
        height={lanes.length * LANE_PX}
        preserveAspectRatio="none"
        aria-hidden
      >
        {lanes.map(({ name, is }, lane) => (
          <g key={name} className={`lane lane-${name}`}>
            <rect className="lane-line" x={0} width={WIDTH} y={lane * LANE_PX + LANE_PX / 2 - 0.5} height={1} />
            {events.map((event, place) =>
              is(event) ? (
                <rect
                  key={event.position}
                  x={Math.min(WIDTH - 4, Math.max(0, xOf(place) - 2))}
                  width={4}
                  y={lane * LANE_PX + 3}
                  height={LANE_PX - 6}
                >
                  <title>{visibleText(T.replay.events[event.type] ?? event.type)}</title>
                </rect>
              ) : null,
            )}
          </g>
        ))}
        <rect
          className="lanes-now"
          x={Math.min(WIDTH - 2, Math.max(0, xOf(at) - 1))}
          width={2}
          y={0}
          height={lanes.length * LANE_PX}
        />
      </svg>
      {children}
    </div>
  );
}
