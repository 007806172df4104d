import { LIMITS } from '@bailiwick/core/limits';
import type { LogState } from './state';

/**
 * Returns how many levels a run is below another one: 0 for the run itself, undefined if it is not in its branch. Walks
 * up, in O(depth).
 */
export function levelsBelow({ runs }: Pick<LogState, 'runs'>, aboveId: string, runId: string): number | undefined {
  let id: string | undefined = runId;
  for (let levels = 0; id !== undefined && levels <= LIMITS.treeDepth + 1; levels++) {
    if (id === aboveId) return levels;
    id = runs.get(id)?.parentRunId;
  }
  return undefined;
}
