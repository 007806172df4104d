import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { nowMs } from '../clock';
import { get, Problem } from './client';
import { readPages } from './pages';
import type { Tree } from './shapes';

/** Leases from which on a tree is read again at intervals, and not after each event. */
const LARGE = 2_000;
const LARGE_AGAIN_MS = 30_000;
const PAGES_AGAIN_MS = 300_000;
const PAGE_LIMIT = 1_000;
const SHOW_EVERY_PAGES = 5;

interface Known {
  readonly tree: Tree;
  readonly until: number;
}
let largest: Known | undefined;

/** Reads a tree; one that does not fit into one answer, from the lists, page by page. @throws Problem */
export async function readTree(id: string, show: (partial: Tree) => void, signal: AbortSignal): Promise<Tree> {
  if (largest?.tree.id === id && largest.until > nowMs()) return largest.tree;
  try {
    const tree = await get<Tree>(`/v1/trees/${encodeURIComponent(id)}`, {}, signal);
    if (tree.grants.length >= LARGE) largest = { tree, until: nowMs() + LARGE_AGAIN_MS };
    return tree;
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 413) throw error;
  }
  const tree = await readInPages(id, show, signal);
  largest = { tree, until: nowMs() + PAGES_AGAIN_MS };
  return tree;
}

async function readInPages(id: string, show: (partial: Tree) => void, signal: AbortSignal): Promise<Tree> {
  const runs: RunView[] = [];
  const grants: GrantView[] = [];
  const tree = (isPartial: boolean): Tree => {
    const position = Math.max(0, ...grants.slice(-1).map((grant) => grant.position));
    return { id, position, runs: [...runs], grants: [...grants], labels: [], isPartial };
  };
  let pages = 0;
  const readAll = <T>(path: string, into: T[]): Promise<unknown> =>
    readPages<T>(
      path,
      { treeId: id },
      {
        limit: PAGE_LIMIT,
        pagesMax: Infinity,
        signal,
        onPage: (items) => {
          for (const item of items) into.push(item);
          pages += 1;
          if (pages % SHOW_EVERY_PAGES === 0 && !signal.aborted) show(tree(true));
        },
      },
    );
  await Promise.all([readAll('/v1/runs', runs), readAll('/v1/grants', grants)]);
  return tree(false);
}
