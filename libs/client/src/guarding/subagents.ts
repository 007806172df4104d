const SUBAGENTS = new WeakSet();

/** Marks a tool that starts a subagent: its call is a delegation, which the service decides. */
export function subagentOf<T extends object>(tool: T): T {
  SUBAGENTS.add(tool);
  return tool;
}

export const isSubagent = (tool: unknown): boolean => typeof tool === 'object' && tool !== null && SUBAGENTS.has(tool);
