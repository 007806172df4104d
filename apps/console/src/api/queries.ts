import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { Action, Page } from './shapes';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { get } from './client';
import { seenPosition, useRefresh } from './live-events';
import { readTree } from './trees';

export type { Page, Tree } from './shapes';

export const LIST_LIMIT = 200;
const LIVE = ['active', 'pending', 'suspended'] as const;

/** The runs of each status, together: newest first. */
async function runsOf(statuses: readonly string[], from?: string): Promise<Page<RunView>> {
  const pages = await Promise.all(
    statuses.map((status) =>
      get<Page<RunView>>('/v1/runs', { status, from, limit: LIST_LIMIT, minPosition: seenPosition() }),
    ),
  );
  const items = pages.flatMap((page) => page.items).sort((a, b) => b.startedAt.localeCompare(a.startedAt));
  return { items, next: pages.find(({ next }) => next !== null)?.next ?? null };
}

export const useLiveRuns = () =>
  useQuery({
    queryKey: ['runs', 'live'],
    queryFn: () => runsOf(LIVE),
    refetchInterval: useRefresh(),
    placeholderData: keepPreviousData,
  });

export const useEndedRuns = (isEnabled: boolean) =>
  useQuery({
    queryKey: ['runs', 'ended'],
    enabled: isEnabled,
    queryFn: () => runsOf(['completed', 'revoked', 'expired', 'exhausted', 'refused']),
    refetchInterval: useRefresh(),
  });

/** The leases of live runs, by their ids. */
export const useLiveGrants = () =>
  useQuery({
    queryKey: ['grants', 'live'],
    queryFn: async () => {
      const pages = await Promise.all(
        ['active', 'suspended'].map((status) =>
          get<Page<GrantView>>('/v1/grants', { status, limit: LIST_LIMIT, minPosition: seenPosition() }),
        ),
      );
      return new Map(pages.flatMap(({ items }) => items).map((grant) => [grant.id, grant]));
    },
    refetchInterval: useRefresh(),
    placeholderData: keepPreviousData,
  });

const APPROVALS_LIMIT = 500;
const APPROVAL_PAGES_MAX = 4;

/** All questions that wait, so that the one with the least time left is among them; at most 2,000. */
async function readPendingApprovals(): Promise<Page<ApprovalView>> {
  const items: ApprovalView[] = [];
  let next: string | null = null;
  let pages = 0;
  do {
    const page: Page<ApprovalView> = await get<Page<ApprovalView>>('/v1/approvals', {
      status: 'pending',
      limit: APPROVALS_LIMIT,
      cursor: next ?? undefined,
    });
    items.push(...page.items);
    next = page.next;
    pages += 1;
  } while (next !== null && pages < APPROVAL_PAGES_MAX);
  return { items, next };
}

export const usePendingApprovals = (isEnabled = true) =>
  useQuery({
    queryKey: ['approvals', 'pending'],
    enabled: isEnabled,
    queryFn: readPendingApprovals,
    refetchInterval: useRefresh(),
    placeholderData: keepPreviousData,
  });

export const useRun = (id: string) =>
  useQuery({ queryKey: ['runs', id], queryFn: () => get<RunView>(`/v1/runs/${encodeURIComponent(id)}`) });

export const useTree = (treeId: string | undefined) =>
  useQuery({
    queryKey: ['tree', treeId],
    enabled: treeId !== undefined,
    queryFn: ({ client }) =>
      readTree(treeId ?? '', (partial) => {
        // shown while the rest is read
        client.setQueryData(['tree', treeId], partial);
      }),
    refetchInterval: useRefresh(),
    placeholderData: keepPreviousData,
    structuralSharing: false, // comparing 100,000 leases takes longer than drawing them
  });

/** The actions of a tree, or of one run of it, oldest first. */
export const useActions = (treeId: string | undefined, runId?: string) =>
  useQuery({
    queryKey: ['actions', treeId, runId],
    enabled: treeId !== undefined,
    queryFn: () => get<Page<Action>>('/v1/actions', { treeId, runId, limit: LIST_LIMIT, minPosition: seenPosition() }),
    refetchInterval: useRefresh(),
    placeholderData: keepPreviousData,
  });
