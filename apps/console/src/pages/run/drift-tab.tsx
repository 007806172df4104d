import type { ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import { get } from '../../api/client';
import type { DriftScores } from '../../api/shapes';
import { AgentText } from '../../parts/agent-text';
import { Drift } from '../../parts/marks';
import { Empty, Failed, Loading } from '../../parts/states';
import { When } from '../../parts/when';
import { T } from '../../texts';

/** Every score of a run with what contributed to it. */
export function DriftTab({ runId }: { runId: string }): ReactNode {
  const drift = useQuery({ queryKey: ['drift', runId], queryFn: () => get<DriftScores>(`/v1/runs/${runId}/drift`) });
  if (drift.isPending) return <Loading />;
  if (drift.error) return <Failed error={drift.error} retry={() => void drift.refetch()} />;
  const scores = [...drift.data.scores].reverse();
  return (
    <section aria-labelledby="drift">
      <h2 id="drift">{T.run.driftLead}</h2>
      {scores.length === 0 ? (
        <Empty title={T.run.driftEmpty} />
      ) : (
        <ol className="timeline">
          {scores.map(({ score, features, time, position }) => (
            <li key={position} className="entry">
              <span className="entry-time">
                <When at={time} />
              </span>
              <div className="entry-body">
                <p className="entry-line">
                  <Drift value={score} words />
                </p>
                <ul className="plain small">
                  {features.map((feature) => (
                    <li key={feature.name}>
                      <span className="num">+{feature.contribution.toFixed(2)}</span>{' '}
                      <AgentText>{feature.says}</AgentText>
                    </li>
                  ))}
                </ul>
              </div>
            </li>
          ))}
        </ol>
      )}
    </section>
  );
}
