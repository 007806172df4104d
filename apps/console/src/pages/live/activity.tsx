import type { ReactNode } from 'react';
import { Link } from '@tanstack/react-router';
import { useConnection, useRecentEvents, type LogEvent } from '../../api/live-events';
import { AgentText } from '../../parts/agent-text';
import { Status } from '../../parts/marks';
import { When } from '../../parts/when';
import { T } from '../../texts';

const DECISIONS: Readonly<Record<string, string>> = {
  ActionPermitted: 'permitted',
  ActionDenied: 'denied',
  ActionStepUp: 'stepped-up',
};
const SHOWN = 25;

/** The newest decisions, as the stream announces them. */
export function Activity(): ReactNode {
  const connection = useConnection();
  const decisions = useRecentEvents()
    .filter(({ type }) => DECISIONS[type] !== undefined)
    .slice(0, SHOWN);
  return (
    <section className="activity" aria-labelledby="activity">
      <h2 id="activity">{T.live.activity}</h2>
      {decisions.length === 0 ? (
        <p className="muted small">{connection === 'off' ? T.live.activityOff : T.live.activityEmpty}</p>
      ) : (
        <ol>
          {decisions.map((event) => (
            <Decision key={event.position} event={event} />
          ))}
        </ol>
      )}
    </section>
  );
}

function Decision({ event }: { event: LogEvent }): ReactNode {
  const { verb, resource } = event.data as { verb?: string; resource?: { type: string; id: string } };
  return (
    <li>
      <span className="activity-head">
        <Status of={DECISIONS[event.type] ?? ''} />
        <When at={event.time} />
      </span>
      <Link to="/runs/$id" params={{ id: event.runId ?? '' }} search={{ tab: 'timeline' }}>
        <code>
          <AgentText>{verb}</AgentText>
        </code>
      </Link>
      <span className="muted clamp-1">
        <AgentText>{resource?.id}</AgentText>
      </span>
    </li>
  );
}
