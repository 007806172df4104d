import { useEffect, useState } from 'react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { get } from '../../api/client';
import type { LogEvent } from '../../api/live-events';
import { readPages } from '../../api/pages';
import type { Tree } from '../../api/queries';

const PAGE_LIMIT = 1_000;
/** Events of a tree that the slider holds. */
export const EVENTS_MAX = 10_000;
const SETTLE_MS = 120;
const KEPT_MS = 20_000;

export interface Past {
  readonly events: readonly LogEvent[];
  /** there are more */
  readonly isCut: boolean;
}

/** The events of a tree in order, with the revocations of the tenant that had selectors since it exists. */
export const usePast = (treeId: string) =>
  useQuery({
    queryKey: ['past', treeId],
    queryFn: ({ signal }) => readPast(treeId, signal),
    refetchOnWindowFocus: false,
  });

async function readPast(treeId: string, signal: AbortSignal): Promise<Past> {
  const reading = { limit: PAGE_LIMIT, pagesMax: EVENTS_MAX / PAGE_LIMIT, signal, nextAs: 'after' as const };
  const { items, isCut } = await readPages<LogEvent>('/v1/events', { treeId }, reading);
  const events = [...items];
  const [first] = events;
  if (first) {
    const known = new Set(events.map(({ position }) => position));
    for (const type of ['RevocationRuleAdded', 'SuspensionLifted']) {
      const rules = await readPages<LogEvent>(
        '/v1/events',
        { type, log: first.log, from: first.time },
        { ...reading, pagesMax: 1 },
      );
      events.push(...rules.items.filter(({ position }) => position > first.position && !known.has(position)));
    }
    events.sort((a, b) => a.position - b.position);
  }
  return { events, isCut };
}

/** The tree as it was after a position, once that has not changed for a moment. */
export function useTreeAt(treeId: string, position: number | undefined) {
  const [settled, setSettled] = useState(position);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(position), SETTLE_MS);
    return () => clearTimeout(timer);
  }, [position]);
  return useQuery({
    queryKey: ['past', treeId, settled],
    enabled: settled !== undefined,
    queryFn: ({ signal }) => get<Tree>(`/v1/trees/${encodeURIComponent(treeId)}`, { at: settled }, signal),
    staleTime: Infinity,
    gcTime: KEPT_MS, // a tree of each place of the slider: some are large
    placeholderData: keepPreviousData,
  });
}
