import { nowMs } from '../clock';
import { get, type Params } from './client';
import type { Page } from './shapes';

/** The items of a list that were read. */
export interface Items<T> {
  readonly items: readonly T[];
  /** there are more */
  readonly isCut: boolean;
}
export interface Reading<T> {
  /** items of one answer */
  readonly limit: number;
  readonly pagesMax: number;
  /** ends the reading, with the request in flight: the answer is not wanted any more */
  readonly signal?: AbortSignal | undefined;
  /** the parameter that takes `next` of the page before; `cursor` if left out */
  readonly nextAs?: 'cursor' | 'after';
  readonly onPage?: (items: readonly T[]) => void;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** The days that lists of what is new cover. */
export const NEWEST_DAYS = 30;
const PERIODS_MS = [HOUR_MS, DAY_MS, 7 * DAY_MS, NEWEST_DAYS * DAY_MS];

/** Reads a list page by page, in the order of the log: oldest first. @throws Problem */
export async function readPages<T>(
  path: string,
  params: Params,
  { limit, pagesMax, signal, nextAs = 'cursor', onPage }: Reading<T>,
): Promise<Items<T>> {
  const items: T[] = [];
  let next: string | undefined;
  for (let pages = 0; pages < pagesMax; pages += 1) {
    signal?.throwIfAborted();
    const page: Page<T> = await get<Page<T>>(path, { ...params, limit, [nextAs]: next }, signal);
    for (const item of page.items) items.push(item);
    onPage?.(page.items);
    next = page.next ?? undefined;
    if (next === undefined) return { items, isCut: false };
  }
  return { items, isCut: true };
}

/** The start of the `NEWEST_DAYS` that end now. */
export const newestFrom = (): string => new Date(nowMs() - NEWEST_DAYS * DAY_MS).toISOString();

/**
 * Reads what is newest of a list that the API gives with the oldest items first, of at most `NEWEST_DAYS` days: the last
 * hour is read before the day, and so on, until `limit * pagesMax` items are read. @throws Problem
 */
export async function readNewest<T extends { readonly id: string }>(
  path: string,
  params: Params,
  reading: Reading<T>,
): Promise<Items<T>> {
  const most = reading.limit * reading.pagesMax;
  const now = nowMs();
  const found = new Map<string, T>();
  let to: string | undefined;
  for (const period of PERIODS_MS) {
    const from = new Date(now - period).toISOString();
    const pagesMax = Math.ceil((most - found.size) / reading.limit);
    const { items, isCut } = await readPages<T>(path, { ...params, from, to }, { ...reading, pagesMax });
    // an item at the border of two periods is in both
    for (const item of items) found.set(item.id, item);
    if (isCut || (found.size >= most && period !== PERIODS_MS.at(-1)))
      return { items: [...found.values()], isCut: true };
    to = from;
  }
  return { items: [...found.values()], isCut: false };
}
