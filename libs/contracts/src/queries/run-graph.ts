import { z } from 'zod';
import { position } from '../primitives';

/** What happened in a run and below it, as nodes and edges. */

export const NODE_KINDS = ['run', 'grant', 'action', 'approval'] as const;

export const graphNode = z.object({
  id: z.string(),
  kind: z.enum(NODE_KINDS),
  /** of a run or a grant: the class of the agent; of an action: the verb; of an approval: what it is for */
  label: z.string(),
  /** of an action: `permitted`, `denied` or `stepped-up`; of an approval: `pending`, `approved`, `denied` or `expired` */
  status: z.string().optional(),
  /** of a permitted action: `completed`, `failed` or `abandoned` */
  outcome: z.string().optional(),
  /** of the event that it starts with; left out for an action of another tree */
  position: position.optional(),
});
export type GraphNode = z.infer<typeof graphNode>;

/**
 * - control: `asked` (run → action, run → approval), `then` (the next action of a run), `caused` (`parentActionId`),
 *   `called` (a call to a service → what the service did for it), `under` (grant → action)
 * - delegation: `delegated` (run → run, grant → grant), `holds` (run → grant), `replaced` (grant → the grant that raised it)
 * - approvals: `waited-for` (action → approval), `allowed` (approval → action, approval → grant)
 * - data: `data` (action → action: values of its result are in the arguments of the other)
 */
export const EDGE_KINDS = [
  'asked',
  'then',
  'caused',
  'called',
  'under',
  'delegated',
  'holds',
  'replaced',
  'waited-for',
  'allowed',
  'data',
] as const;

export const graphEdge = z.object({
  from: z.string(),
  to: z.string(),
  kind: z.enum(EDGE_KINDS),
  /** of `data`: the number of different values */
  values: z.number().int().optional(),
});
export type GraphEdge = z.infer<typeof graphEdge>;

export const runGraph = z.object({
  nodes: z.array(graphNode),
  edges: z.array(graphEdge),
  /** the tree has more events than one answer reads; the first ones are in the graph */
  truncated: z.literal(true).optional(),
});
export type RunGraph = z.infer<typeof runGraph>;
