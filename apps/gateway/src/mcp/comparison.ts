import type { McpDefinitions, McpOffer } from '@bailiwick/contracts/mcp/mcp-pin';
import { warningsIn } from './definition-warnings';

/** A tool of a server, compared with what is approved. */
export interface ComparedTool {
  readonly name: string;
  readonly status: 'approved' | 'new' | 'changed' | 'removed' | 'unusable';
  readonly digest?: string;
  /** as the server wrote it */
  readonly definition?: string;
  /** as it was approved, if that differs */
  readonly approvedDefinition?: string;
  readonly fault?: string;
  readonly warnings: readonly string[];
}

/** Compares what a server offers with what is approved of it. A removed tool stays in the list until the next approval. */
export function compared({ identity, tools, fault }: McpOffer, { pin, definitions }: McpDefinitions): ComparedTool[] {
  const approved = pin?.identity === identity ? pin.tools : {};
  const offered = tools.map(({ name, digest, definition, fault: unusable }): ComparedTool => {
    const former = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
    const isPinned = Object.hasOwn(approved, name);
    const status =
      unusable !== undefined ? 'unusable' : !isPinned ? 'new' : approved[name] === digest ? 'approved' : 'changed';
    return {
      name,
      status,
      digest,
      definition,
      ...(former === undefined || former === definition ? {} : { approvedDefinition: former }),
      ...(unusable === undefined ? {} : { fault: unusable }),
      warnings: warningsIn(name, definition),
    };
  });
  if (fault !== undefined) return offered;
  const names = new Set(tools.map(({ name }) => name));
  const removed = Object.keys(pin?.tools ?? {}).filter((name) => !names.has(name));
  return [
    ...offered,
    ...removed.map((name): ComparedTool => {
      const former = definitions[name];
      return { name, status: 'removed', ...(former === undefined ? {} : { approvedDefinition: former }), warnings: [] };
    }),
  ];
}
