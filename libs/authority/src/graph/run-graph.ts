import type { Event, EventOf } from '@bailiwick/contracts/events/event';
import type { Words } from '@bailiwick/contracts/events/payload';
import type { GraphEdge, GraphNode, RunGraph } from '@bailiwick/contracts/queries/run-graph';
import { ValueFlow } from './value-flow';

type Decided = EventOf<'ActionPermitted' | 'ActionDenied' | 'ActionStepUp'>;

const DECISION: Readonly<Record<Decided['type'], string>> = {
  ActionPermitted: 'permitted',
  ActionDenied: 'denied',
  ActionStepUp: 'stepped-up',
};
const OUTCOME = { ActionCompleted: 'completed', ActionFailed: 'failed', ActionAbandoned: 'abandoned' } as const;

/**
 * Builds the graph of a run and of the runs below it. It takes the events of the tree in order, each with its payload,
 * which is null if it was erased: then no data flow is known.
 */
export class RunGraphBuilder {
  private readonly nodes = new Map<string, GraphNode>();
  private readonly edges = new Map<string, GraphEdge>();
  /** run → its newest action */
  private readonly newest = new Map<string, string>();
  private readonly flow = new ValueFlow();

  /** @param root the run at the top of the graph */
  constructor(private readonly root: string) {}

  take(event: Event, words: Words | null): void {
    const runId = event.runId ?? '';
    if (event.type === 'RunOpened') return this.opened(event);
    if (!this.nodes.has(runId)) return; // of a run above or next to it
    switch (event.type) {
      case 'GrantIssued':
        return this.issued(event);
      case 'GrantSuperseded':
        return this.edge('replaced', event.grantId, event.data.by);
      case 'ApprovalRequested':
        return this.requested(event);
      case 'ApprovalGiven':
        return this.answered(event.data.approvalId, event.data.verdict === 'approve' ? 'approved' : 'denied');
      case 'ApprovalExpired':
        return this.answered(event.data.approvalId, 'expired');
      case 'ActionPermitted':
      case 'ActionDenied':
      case 'ActionStepUp':
        return this.decided(event, words);
      case 'ActionCalled':
        return this.called(event);
      case 'ActionCompleted':
      case 'ActionFailed':
      case 'ActionAbandoned':
        this.change(event.actionId, { outcome: OUTCOME[event.type] });
        return this.flow.returned(event.actionId ?? '', valuesOf(words));
      case 'OutcomeReportedLate':
        return this.flow.returned(event.actionId ?? '', valuesOf(words));
    }
  }

  graph(): RunGraph {
    const flows = this.flow.edges().map(({ from, to, values }): GraphEdge => ({ from, to, kind: 'data', values }));
    const edges = [...this.edges.values(), ...flows];
    return {
      nodes: [...this.nodes.values()],
      edges: edges.filter(({ from, to }) => this.nodes.has(from) && this.nodes.has(to)),
    };
  }

  private opened({ runId = '', position, data: { agent, parentRunId } }: EventOf<'RunOpened'>): void {
    const isBelow = parentRunId !== undefined && this.nodes.has(parentRunId);
    if (runId !== this.root && !isBelow) return;
    this.node({ id: runId, kind: 'run', label: agent.class, position });
    if (isBelow) this.edge('delegated', parentRunId, runId);
  }

  private issued({ runId = '', grantId = '', position, data }: EventOf<'GrantIssued'>): void {
    this.node({ id: grantId, kind: 'grant', label: this.nodes.get(runId)?.label ?? '', position });
    this.edge('holds', runId, grantId);
    this.edge('delegated', data.parentId, grantId);
    this.edge('allowed', data.approvalId, grantId);
  }

  private requested({ runId, actionId, position, data: { approvalId, kind } }: EventOf<'ApprovalRequested'>): void {
    this.node({ id: approvalId, kind: 'approval', label: kind, status: 'pending', position });
    if (actionId === undefined) this.edge('asked', runId, approvalId);
    else this.edge('waited-for', actionId, approvalId);
  }

  private answered(approvalId: string, status: string): void {
    this.change(approvalId, { status });
  }

  private decided(event: Decided, words: Words | null): void {
    const { actionId = '', runId = '', grantId, position, data } = event;
    this.node({ id: actionId, kind: 'action', label: data.verb, status: DECISION[event.type], position });
    this.edge('asked', runId, actionId);
    this.edge('under', grantId, actionId);
    this.edge('then', this.newest.get(runId), actionId);
    this.newest.set(runId, actionId);
    this.edge('caused', data.parentActionId, actionId);
    if (event.type === 'ActionPermitted') this.edge('allowed', data.approvalId, actionId);
    else this.edge('waited-for', actionId, data.approvalId);
    this.flow.used(actionId, valuesOf(words));
  }

  private called({ actionId, data: { called } }: EventOf<'ActionCalled'>): void {
    if (!this.nodes.has(called.actionId))
      this.node({ id: called.actionId, kind: 'action', label: 'an action of a service' });
    this.edge('called', actionId, called.actionId);
  }

  private node(node: GraphNode): void {
    this.nodes.set(node.id, node);
  }

  private change(id: string | undefined, change: Partial<GraphNode>): void {
    const node = this.nodes.get(id ?? '');
    if (node) this.nodes.set(node.id, { ...node, ...change });
  }

  /** Adds an edge once; to a node that comes later, or not at all if an end is unknown. */
  private edge(kind: GraphEdge['kind'], from: string | undefined, to: string | undefined): void {
    if (from !== undefined && to !== undefined) this.edges.set(`${kind} ${from} ${to}`, { from, to, kind });
  }
}

/** Returns the marks of values that a payload has. */
function valuesOf(words: Words | null): readonly string[] {
  const values = words?.values;
  return Array.isArray(values) ? values.filter((each) => typeof each === 'string') : [];
}
