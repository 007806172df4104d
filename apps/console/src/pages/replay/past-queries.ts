import { useEffect, useState } from 'react';
import { keepPreviousData, useQuery } from '@tanstack/react-query';
import { get } from '../../api/client';
import type { LogEvent } from '../../api/live-events';
import type { Page, Tree } from '../../api/queries';

const PAGE_LIMIT = 1_000;
/** Events of a tree that the slider holds. */
export const EVENTS_MAX = 10_000;
const SETTLE_MS = 120;

export interface Past {
  readonly events: readonly LogEvent[];
  /** there are more */
  readonly isCut: boolean;
}

/** The events of a tree in order, with the revocations of the tenant that had selectors since it exists. */
export const usePast = (treeId: string) =>
  useQuery({ queryKey: ['past', treeId], queryFn: () => readPast(treeId), staleTime: Infinity });

async function readPast(treeId: string): Promise<Past> {
  const events: LogEvent[] = [];
  let after: string | undefined;
  do {
    const page: Page<LogEvent> = await get<Page<LogEvent>>('/v1/events', { treeId, limit: PAGE_LIMIT, after });
    events.push(...page.items);
    after = page.next ?? undefined;
  } while (after !== undefined && events.length < EVENTS_MAX);
  const [first] = events;
  if (first) {
    const known = new Set(events.map(({ position }) => position));
    for (const type of ['RevocationRuleAdded', 'SuspensionLifted']) {
      const rules = await get<Page<LogEvent>>('/v1/events', {
        type,
        log: first.log,
        after: first.position,
        limit: PAGE_LIMIT,
      });
      events.push(...rules.items.filter(({ position }) => !known.has(position)));
    }
    events.sort((a, b) => a.position - b.position);
  }
  return { events, isCut: after !== undefined };
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
    queryFn: () => get<Tree>(`/v1/trees/${encodeURIComponent(treeId)}`, { at: settled }),
    staleTime: Infinity,
    placeholderData: keepPreviousData,
  });
}
