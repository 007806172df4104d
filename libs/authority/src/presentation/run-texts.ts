import type { LogState, RunNode } from '../state/state';
import type { RunTexts } from './views';
import { readWhereReadable, type Words } from '@bailiwick/contracts/events/payload';
import type { PayloadReader } from './payload-reader';

export const NO_TEXTS: RunTexts = { purpose: null, requestedBy: null };

/**
 * Returns purpose and person of each run. A child's person is the root's; its purpose is its own, or else its parent's.
 * The state is read synchronously, and not after payloads are awaited.
 */
export async function runTexts(
  reader: PayloadReader,
  state: LogState,
  ids: readonly string[],
): Promise<Map<string, RunTexts>> {
  const lines = new Map(ids.map((id) => [id, lineOf(state, id)]));
  const positions = [...new Set([...lines.values()].flat().map((run) => run.position))];
  if (positions.length === 0) return new Map();
  const stored = new Map(
    (await reader.at(state.log, positions)).map((each) => [each.position, readWhereReadable(each)]),
  );
  const value = (run: RunNode): Words => stored.get(run.position)?.payload ?? {};
  return new Map(
    [...lines].map(([id, line]) => {
      const values = line.map(value);
      const first = (key: string): string | null =>
        (values.map((each) => each[key]).find((text) => typeof text === 'string') as string) ?? null;
      const own = values[0] ?? {};
      const task = typeof own.task === 'string' ? { task: own.task } : {};
      const root = line.at(-1);
      const opener = root && stored.get(root.position)?.event.actor.id;
      return [
        id,
        {
          purpose: first('purpose'),
          requestedBy: first('requestedBy'),
          ...(opener === undefined ? {} : { requestedByStatedBy: opener }),
          ...task,
        },
      ];
    }),
  );
}

/** Returns the run and its ancestors, itself first. */
function lineOf(state: LogState, id: string): RunNode[] {
  const line: RunNode[] = [];
  for (
    let run = state.runs.get(id);
    run;
    run = run.parentRunId === undefined ? undefined : state.runs.get(run.parentRunId)
  )
    line.push(run);
  return line;
}
