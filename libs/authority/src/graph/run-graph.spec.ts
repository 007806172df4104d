import type { Event } from '@bailiwick/contracts/events/event';
import { runGraph, type GraphEdge, type RunGraph } from '@bailiwick/contracts/queries/run-graph';
import { act, brokered, delegateTestRun, openTestRun, ROOMY, TestLog } from '../testing/harness';
import { RunGraphBuilder } from './run-graph';

type Values = Readonly<Record<string, readonly string[]>>;

/** @param values the marks in the payload of the decision on an action, or of its outcome, by `<event type> <action>` */
function graphOf({ events }: TestLog, runId: string, values: Values = {}): RunGraph {
  const builder = new RunGraphBuilder(runId);
  for (const event of events) builder.take(event, { values: values[keyOf(event)] ?? [] });
  return runGraph.parse(builder.graph());
}
const keyOf = ({ type, actionId }: Event): string => `${type} ${actionId}`;
const edges = ({ edges: all }: RunGraph, kind: GraphEdge['kind']): [string, string][] =>
  all.filter((edge) => edge.kind === kind).map(({ from, to }) => [from, to]);
const settle = (log: TestLog, { actionId }: Event): void =>
  void log.do('settle', { actionId: actionId as string, outcome: { status: 'completed' } });

describe('the graph of a run', () => {
  it('has the run and what is below it, with its leases and actions in their order', () => {
    const log = new TestLog();
    const top = openTestRun(log);
    const child = delegateTestRun(log, top.grantId, { actions: { allow: ['file.*'] } });
    const first = act(log, top.grantId, 'file.read');
    const second = act(log, top.grantId, 'file.list', { parentActionId: first.actionId as string });
    const below = act(log, child.grantId, 'file.read');
    settle(log, first);
    const graph = graphOf(log, top.runId);
    expect(graph.nodes.map(({ id, kind }) => [id, kind])).toEqual(
      expect.arrayContaining([
        [top.runId, 'run'],
        [child.runId, 'run'],
        [top.grantId, 'grant'],
        [child.grantId, 'grant'],
        [first.actionId, 'action'],
      ]),
    );
    expect(graph.nodes.find(({ id }) => id === first.actionId)).toMatchObject({
      label: 'file.read',
      status: 'permitted',
      outcome: 'completed',
    });
    expect(edges(graph, 'delegated')).toEqual([
      [top.runId, child.runId],
      [top.grantId, child.grantId],
    ]);
    expect(edges(graph, 'then')).toEqual([[first.actionId, second.actionId]]);
    expect(edges(graph, 'caused')).toEqual([[first.actionId, second.actionId]]);
    expect(edges(graph, 'under')).toContainEqual([child.grantId, below.actionId]);
  });

  it('has nothing of runs above or next to the run', () => {
    const log = new TestLog();
    const top = openTestRun(log);
    const child = delegateTestRun(log, top.grantId, { actions: { allow: ['file.*'] } });
    const sibling = delegateTestRun(log, top.grantId, { actions: { allow: ['file.*'] } });
    const above = act(log, top.grantId, 'file.read');
    const next = act(log, sibling.grantId, 'file.read');
    const own = act(log, child.grantId, 'file.read');
    settle(log, above);
    const flow = { [`ActionCompleted ${above.actionId}`]: ['v'], [keyOf(own)]: ['v'] };
    const text = JSON.stringify(graphOf(log, child.runId, flow));
    for (const { id } of [
      { id: top.runId },
      { id: top.grantId },
      { id: sibling.runId },
      { id: above.actionId },
      { id: next.actionId },
    ])
      expect(text).not.toContain(id);
    expect(text).toContain(own.actionId);
  });

  it('shows which approval an action waited for, and which it used', () => {
    const log = new TestLog();
    const { runId, grantId } = openTestRun(log, ROOMY);
    const resource = { type: 'file', id: 'a' };
    const asked = act(log, grantId, 'thing.delete', { resource });
    const { approvalId } = asked.data as { approvalId: string };
    log.do('decideApproval', { approvalId, verdict: 'approve', actor: { kind: 'person', id: 'person:ann' } });
    const done = act(log, grantId, 'thing.delete', { resource, approvalId });
    const graph = graphOf(log, runId);
    expect(graph.nodes.find(({ id }) => id === approvalId)).toMatchObject({ kind: 'approval', status: 'approved' });
    expect(edges(graph, 'waited-for')).toEqual([[asked.actionId, approvalId]]);
    expect(edges(graph, 'allowed')).toEqual([[approvalId, done.actionId]]);
  });

  it('shows what a service did for a call, in another tree', () => {
    const log = new TestLog();
    brokered(log);
    const called = log.events.find(({ type }) => type === 'ActionCalled') as Event;
    const graph = graphOf(log, called.runId as string);
    const [[from, to]] = edges(graph, 'called') as [[string, string]];
    expect(from).toBe(called.actionId);
    expect(graph.nodes.find(({ id }) => id === to)).not.toHaveProperty('position');
  });
});

describe('the data flow in the graph of a run', () => {
  /** Two actions of a run and one of its child, each completed before the next. */
  function three(): { log: TestLog; runId: string; actions: [Event, Event, Event] } {
    const log = new TestLog();
    const { runId, grantId } = openTestRun(log);
    const child = delegateTestRun(log, grantId, { actions: { allow: ['file.*'] } });
    const done = (id: string): Event => {
      const action = act(log, id, 'file.read');
      settle(log, action);
      return action;
    };
    return { log, runId, actions: [done(grantId), done(grantId), done(child.grantId)] };
  }
  const args = (action: Event): string => keyOf(action);
  const result = ({ actionId }: Event): string => `ActionCompleted ${actionId}`;

  it('leads from the action whose result had a value first to each whose arguments have it, also in a child', () => {
    const { log, runId, actions } = three();
    const [a, b, c] = actions;
    const values = {
      [result(a)]: ['v', 'w', 'other'],
      [args(b)]: ['v', 'w'],
      [result(b)]: ['v', 'x'],
      [args(c)]: ['v', 'x'],
    };
    expect(graphOf(log, runId, values).edges.filter(({ kind }) => kind === 'data')).toEqual([
      { from: a.actionId, to: b.actionId, kind: 'data', values: 2 },
      { from: a.actionId, to: c.actionId, kind: 'data', values: 1 },
      { from: b.actionId, to: c.actionId, kind: 'data', values: 1 },
    ]);
  });

  it('does not lead from a result that repeats a value of earlier arguments', () => {
    const { log, runId, actions } = three();
    const [a, b] = actions;
    expect(edges(graphOf(log, runId, { [args(a)]: ['v'], [result(a)]: ['v'], [args(b)]: ['v'] }), 'data')).toEqual([]);
  });

  it('does not lead from a result to arguments before it', () => {
    const { log, runId, actions } = three();
    const [a, b] = actions;
    expect(edges(graphOf(log, runId, { [args(a)]: ['v'], [result(b)]: ['v'] }), 'data')).toEqual([]);
  });

  it('is unknown where a payload was erased', () => {
    const { log, runId, actions } = three();
    const builder = new RunGraphBuilder(runId);
    for (const event of log.events)
      builder.take(event, event.actionId === actions[0].actionId ? null : { values: ['v'] });
    expect(edges(builder.graph(), 'data')).toEqual([]);
  });
});
