import { keepPreviousData, useQuery } from '@tanstack/react-query';
import type { Action, Page } from './shapes';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import type { QueryMeta } from './changes';
import { get } from './client';
import { seenPosition, useRefresh } from './live-events';
import { newestFrom, readPages } from './pages';
import { readTree } from './trees';

export type { Page, Tree } from './shapes';

export const LIST_LIMIT = 200;
export const LIVE: readonly string[] = ['active', 'pending', 'suspended'];

/** The live runs, newest first. */
async function readLiveRuns(): Promise<Page<RunView>> {
  const pages = await Promise.all(
    LIVE.map((status) =>
      get<Page<RunView>>('/v1/runs', { status, order: 'newest', limit: LIST_LIMIT, minPosition: seenPosition() }),
    ),
  );
  const items = pages.flatMap((page) => page.items).sort((a, b) => b.startedAt.localeCompare(a.startedAt));
  return { items, next: pages.find(({ next }) => next !== null)?.next ?? null };
}

export const useLiveRuns = () =>
  useQuery({
    queryKey: ['runs', 'live'],
    queryFn: readLiveRuns,
    refetchInterval: useRefresh(),
    placeholderData: keepPreviousData,
  });

const RECENT_LIMIT = 1_000;
const RECENT_PAGES_MAX = 5;
/** Runs, and live leases, that are read of a tenant at most. */
export const RECENT_MAX = RECENT_LIMIT * RECENT_PAGES_MAX;
const RECENT_REST: QueryMeta = { restMs: 5_000 };

/** The runs that were opened lately, newest first. */
export const useRecentRuns = (isEnabled = true) =>
  useQuery({
    queryKey: ['runs', 'recent'],
    enabled: isEnabled,
    queryFn: async ({ signal }) => {
      const { items, isCut } = await readPages<RunView>(
        '/v1/runs',
        { order: 'newest', from: newestFrom(), minPosition: seenPosition() },
        { limit: RECENT_LIMIT, pagesMax: RECENT_PAGES_MAX, signal },
      );
      return { items: [...items].sort((a, b) => b.startedAt.localeCompare(a.startedAt)), isCut };
    },
    meta: RECENT_REST,
    refetchInterval: useRefresh(),
  });

/** All live leases, as far as they are read. */
export const useAllLiveGrants = () =>
  useQuery({
    queryKey: ['grants', 'all'],
    queryFn: async ({ signal }) => {
      const reading = { limit: RECENT_LIMIT, pagesMax: RECENT_PAGES_MAX, signal };
      const lists = await Promise.all(
        ['active', 'suspended'].map((status) =>
          readPages<GrantView>('/v1/grants', { status, minPosition: seenPosition() }, reading),
        ),
      );
      return { items: lists.flatMap(({ items }) => items), isCut: lists.some(({ isCut }) => isCut) };
    },
    meta: RECENT_REST,
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

export const usePendingApprovals = (isEnabled = true) =>
  useQuery({
    queryKey: ['approvals', 'pending'],
    enabled: isEnabled,
    // all that wait, so that the one with the least time left is among them
    queryFn: ({ signal }) =>
      readPages<ApprovalView>(
        '/v1/approvals',
        { status: 'pending' },
        { limit: APPROVALS_LIMIT, pagesMax: APPROVAL_PAGES_MAX, signal },
      ),
    refetchInterval: useRefresh(),
    placeholderData: keepPreviousData,
  });

export const useRun = (id: string) =>
  useQuery({ queryKey: ['runs', id], queryFn: () => get<RunView>(`/v1/runs/${encodeURIComponent(id)}`) });

export const useTree = (treeId: string | undefined) =>
  useQuery({
    queryKey: ['tree', treeId],
    enabled: treeId !== undefined,
    queryFn: ({ client, signal }) =>
      readTree(
        treeId ?? '',
        (partial) => {
          // shown while the rest is read
          client.setQueryData(['tree', treeId], partial);
        },
        signal,
      ),
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
