import { useMemo, type ReactNode } from 'react';
import { useQuery } from '@tanstack/react-query';
import { Workflow } from 'lucide-react';
import type { RunView } from '@bailiwick/contracts/grants/grant';
import type { RunGraph } from '@bailiwick/contracts/queries/run-graph';
import { get } from '../../api/client';
import { seenPosition, useRefresh } from '../../api/live-events';
import { AgentText } from '../../parts/agent-text';
import { Status } from '../../parts/marks';
import { Empty, Failed, Loading } from '../../parts/states';
import { T } from '../../texts';
import { flowOf, type Flow } from './flow';

const ROW_PX = 58;
const LANE_PX = 14;
const LANES_MAX = 6;

/** Which calls used what other calls had returned: the calls in order, and an arc for each flow of values. */
export function DataFlow({ run }: { run: RunView }): ReactNode {
  const graph = useQuery({
    queryKey: ['actions', run.treeId, 'graph', run.id],
    queryFn: () => get<RunGraph>(`/v1/runs/${run.id}/graph`, { minPosition: seenPosition() }),
    refetchInterval: useRefresh(),
  });
  const flow = useMemo(() => graph.data && flowOf(graph.data, LANES_MAX), [graph.data]);
  if (graph.error) return <Failed error={graph.error} retry={() => void graph.refetch()} />;
  if (!flow) return <Loading />;
  const d = T.run.data;
  if (flow.steps.length === 0)
    return (
      <Empty title={d.emptyTitle} icon={Workflow}>
        {d.empty}
      </Empty>
    );
  return (
    <section className="panel" aria-labelledby="flow">
      <h2 id="flow">{d.lead}</h2>
      {graph.data?.truncated && <p className="notice notice-wait">{d.truncated}</p>}
      <div className="flow">
        <Arcs flow={flow} />
        <ol className="flow-steps">
          {flow.steps.map((step, at) => (
            <li key={step.id} style={{ height: ROW_PX }}>
              <p className="entry-line">
                <span className="muted num">{at + 1}</span>
                <code>
                  <AgentText>{step.verb}</AgentText>
                </code>
                {step.status !== undefined && <Status of={step.outcome ?? step.status} />}
                <span className="muted entry-agent">
                  <AgentText>{step.agent ?? d.other}</AgentText>
                </span>
              </p>
              {step.uses.length > 0 && (
                <p className="muted small">
                  {d.from(
                    step.uses.reduce((sum, { values }) => sum + values, 0),
                    step.uses.map(({ from }) => d.step(from + 1)).join(', '),
                  )}
                </p>
              )}
            </li>
          ))}
        </ol>
      </div>
    </section>
  );
}

/** The texts of the steps state the same, so that the picture is hidden from screen readers. */
function Arcs({ flow }: { flow: Flow }): ReactNode {
  const width = (flow.lanes + 1) * LANE_PX + 10;
  const right = width - 8;
  const middle = (at: number): number => at * ROW_PX + 14;
  return (
    <svg className="flow-arcs" width={width} height={flow.steps.length * ROW_PX} aria-hidden>
      {flow.steps.flatMap((step, to) =>
        step.uses.map(({ from, values, lane }) => {
          const x = right - (lane + 1) * LANE_PX;
          const [start, end] = [middle(from) + 4, middle(to) - 4];
          return (
            <path
              key={`${from} ${to}`}
              d={`M ${right} ${start} H ${x + 8} Q ${x} ${start} ${x} ${start + 8} V ${end - 8} Q ${x} ${end} ${x + 8} ${end} H ${right}`}
              strokeWidth={Math.min(5, 1.2 + Math.log2(values))}
            />
          );
        }),
      )}
      {flow.steps.map(({ id }, at) => (
        <circle key={id} cx={right} cy={middle(at)} r={4.5} />
      ))}
    </svg>
  );
}
