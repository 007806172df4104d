import type { ErasurePreviewAnswer, UnreadableView } from '@bailiwick/contracts/queries/query';
import type { ReplayAnswer, ReplayProgress, ReplayRequest } from '@bailiwick/contracts/replay/replay';
import { queryOf } from '../http/http-calls';
import type { Erased, EventItem, ReceiptPeriod } from './answers';
import { PolicyCalls } from './policy-calls';

/** Reads what is recorded, replays it, and erases people from it. */
export class RecordCalls extends PolicyCalls {
  previewErasure(subject: string): Promise<ErasurePreviewAnswer> {
    return this.post('/v1/erasures/preview', { subject });
  }
  erase(
    subject: string,
    reason?: string,
    idempotencyKey: string = crypto.randomUUID(),
    earlierReasons = false,
  ): Promise<Erased> {
    const body = {
      subject,
      ...(reason === undefined ? {} : { reason }),
      ...(earlierReasons ? { earlierReasons } : {}),
    };
    return this.post('/v1/erasures', body, { idempotencyKey });
  }
  unreadable(log?: string): Promise<UnreadableView> {
    return this.get(`/v1/log/unreadable${log === undefined ? '' : `?log=${encodeURIComponent(log)}`}`);
  }
  setAside(event: {
    log?: string;
    position: number;
    bodyDigest: string;
    reason?: string;
  }): Promise<{ position: number }> {
    return this.post('/v1/log/repairs', event);
  }
  events(query: Record<string, string | number>): Promise<{ items: EventItem[]; next: string | null; asOf?: unknown }> {
    return this.get(`/v1/events${queryOf(query)}`);
  }
  /** @param period of the run, `until` exclusive; the entire run if absent */
  receipt(runId: string, minPosition?: number, period?: ReceiptPeriod): Promise<unknown> {
    return this.get(`/v1/runs/${runId}/receipt${queryOf({ minPosition, ...period })}`);
  }
  treeReceipt(treeId: string, minPosition?: number): Promise<unknown> {
    return this.get(`/v1/trees/${treeId}/receipt${queryOf({ minPosition })}`);
  }
  actionReceipt(actionId: string, minPosition?: number): Promise<unknown> {
    return this.get(`/v1/actions/${actionId}/receipt${queryOf({ minPosition })}`);
  }

  /** Returns the receipt of a request for approval: of its call with each use, or of the run that asks for a lease. */
  approvalReceipt(approvalId: string, minPosition?: number): Promise<unknown> {
    return this.get(`/v1/approvals/${approvalId}/receipt${queryOf({ minPosition })}`);
  }
  /**
   * Returns one part of a receipt that is in parts.
   * @param size of the tree, as the receipt states it
   * @param period as the receipt states it, if it does
   */
  receiptPart(
    of: 'runs' | 'trees' | 'actions',
    id: string,
    part: number,
    size: number,
    period?: ReceiptPeriod,
  ): Promise<unknown> {
    return this.get(`/v1/${of}/${id}/receipt${queryOf({ part, size, ...period })}`);
  }
  custody(actionId: string): Promise<unknown> {
    return this.get(`/v1/actions/${actionId}/custody`);
  }
  drift(runId: string): Promise<unknown> {
    return this.get(`/v1/runs/${runId}/drift`);
  }
  /**
   * What-if: decides recorded requests again under a change. It may take a minute.
   * @param progress called about once a second with the progress
   */
  replay(
    request: ReplayRequest,
    progress?: (progress: ReplayProgress) => void,
    signal?: AbortSignal,
  ): Promise<ReplayAnswer> {
    return this.computed('/v1/replays', request, progress, signal);
  }
  /** Rebuilds a log from its events and compares it with the stored and live state. It may take minutes. */
  async verification<T>(log: string): Promise<T> {
    const path = `/v1/log/verification?log=${encodeURIComponent(log)}`;
    return this.streamed<T>(path);
  }
  /**
   * Returns every key that has signed for a log, one per line: signatures from before a change of keys need the old
   * one.
   */
  async verifierKeys(log: string): Promise<string> {
    const { items, current } = await this.get<{ items: { vkey: string }[]; current: string }>(`/log/${log}/vkeys`);
    return [...new Set([...items.map(({ vkey }) => vkey), current])].map((vkey) => `${vkey}\n`).join('');
  }
  verifierKey(log: string): Promise<string> {
    return this.get(`/log/${log}/vkey`);
  }
}
