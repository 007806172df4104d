import { useMemo, type KeyboardEvent } from 'react';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import type { Tree } from '../../api/queries';
import { T } from '../../texts';
import type { Tone } from './tree-layout';

/** What the picture and the grid of a tree show, and what they report. */
export interface TreeViewProps {
  readonly tree: Tree;
  /** the id of the lease that is selected */
  readonly chosen: string | undefined;
  readonly onChoose: (grant: string) => void;
}

/** A lease below one that is stopped is stopped as well. */
export const statusOf = ({ status, blockedBy }: GrantView): string =>
  status === 'active' && blockedBy ? blockedBy.status : status;

export const statusText = (grant: GrantView): string => T.status[statusOf(grant)] ?? statusOf(grant);

const TONES_OF: Readonly<Record<string, Tone>> = { active: 'good', suspended: 'wait', revoked: 'bad' };
export const toneOf = (grant: GrantView): Tone => TONES_OF[statusOf(grant)] ?? 'idle';

export const useRunsById = ({ runs }: Tree): ReadonlyMap<string, RunView> =>
  useMemo(() => new Map(runs.map((run) => [run.id, run])), [runs]);

/** Does what a key stands for, unless it is part of a shortcut of the browser. */
export function onKeys(event: KeyboardEvent, keys: Readonly<Record<string, () => void>>): void {
  const act = keys[event.key];
  if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
  event.preventDefault();
  act();
}
