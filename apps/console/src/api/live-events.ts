import { useSyncExternalStore } from 'react';
import type { QueryClient } from '@tanstack/react-query';
import { nowMs } from '../clock';
import { readAgain } from './changes';
import { get } from './client';

/** An event of the log, as the stream sends it. */
export interface LogEvent {
  readonly log: string;
  readonly position: number;
  readonly type: string;
  readonly time: string;
  readonly treeId?: string;
  readonly runId?: string;
  readonly grantId?: string;
  readonly actionId?: string;
  readonly actor?: { readonly kind: string; readonly id: string };
  readonly data: Readonly<Record<string, unknown>>;
  readonly payload?: Readonly<Record<string, unknown>>;
}

/** `off`: the roles of the session do not include the stream, so lists are read again at intervals. */
export type Connection = 'connecting' | 'live' | 'lost' | 'off';

const KEPT_EVENTS = 60;
const FLUSH_MS = 900;
const RETRY_MS = 2_000;

interface State {
  readonly connection: Connection;
  readonly recent: readonly LogEvent[];
}

let state: State = { connection: 'connecting', recent: [] };
let position = -1;
const listeners = new Set<() => void>();

function set(next: Partial<State>): void {
  state = { ...state, ...next };
  for (const listener of listeners) listener();
}

const subscribe = (listener: () => void): (() => void) => {
  listeners.add(listener);
  return () => listeners.delete(listener);
};
export const useConnection = (): Connection => useSyncExternalStore(subscribe, () => state.connection);
export const useRecentEvents = (): readonly LogEvent[] => useSyncExternalStore(subscribe, () => state.recent);

/** How often a list is read again, in milliseconds: only if no stream reports changes. */
export const useRefresh = (): number | false => (useConnection() === 'off' ? 5_000 : false);

/** The newest position that the stream has sent: lists wait for it, so that they show what was announced. */
export const seenPosition = (): number | undefined => (position < 0 ? undefined : position);

/** The lists and views that an event of each kind changes, by the first member of their query key. */
function changedBy(type: string): string[] {
  if (type.startsWith('Approval') || type === 'ActionStepUp') return ['approvals', 'runs', 'actions', 'tree'];
  if (type.startsWith('Action') || type.startsWith('Outcome')) return ['grants', 'actions', 'tree', 'approvals'];
  if (type === 'DriftScored') return ['runs', 'tree', 'drift'];
  if (type.startsWith('Policy')) return ['policies'];
  if (type.startsWith('Key')) return ['keys'];
  return ['runs', 'grants', 'tree', 'approvals', 'mine', 'revocation'];
}

/**
 * Follows the log of the tenant. A lost connection resumes after the last event received; changes are collected, so that
 * many events per second cause at most one read of each list per `FLUSH_MS`, and no second one while it lasts.
 */
export function follow(queries: QueryClient, mayStream: boolean): () => void {
  if (!mayStream) {
    set({ connection: 'off' });
    return () => undefined;
  }
  const pending = new Map<string, Set<string>>();
  let late: ReadonlySet<string> = new Set();
  let recent: LogEvent[] = [];
  let flushing: ReturnType<typeof setTimeout> | undefined;
  let retrying: ReturnType<typeof setTimeout> | undefined;
  let source: EventSource | undefined;
  let stopped = false;

  const flush = (): void => {
    flushing = undefined;
    if (recent.length > 0) set({ recent: [...recent].reverse().concat(state.recent).slice(0, KEPT_EVENTS) });
    recent = [];
    late = readAgain(queries, new Map(pending), late, nowMs());
    pending.clear();
    if (late.size > 0) flushing = setTimeout(flush, FLUSH_MS);
  };
  const onEvent = ({ data }: MessageEvent<string>): void => {
    const event = JSON.parse(data) as LogEvent;
    if (event.position <= position) return;
    position = event.position;
    recent.push(event);
    for (const kind of changedBy(event.type)) {
      const trees = pending.get(kind) ?? new Set();
      pending.set(kind, trees.add(event.treeId ?? '*'));
    }
    flushing ??= setTimeout(flush, FLUSH_MS);
  };
  const connect = async (): Promise<void> => {
    try {
      if (position < 0) {
        const { asOf } = await get<{ asOf: Record<string, number> }>('/v1/runs', { limit: 1 });
        position = Math.max(-1, Math.max(-1, ...Object.values(asOf)) - KEPT_EVENTS);
      }
    } catch {
      // the stream starts at the next event; a refusal is shown by the page that made it
    }
    if (stopped) return;
    source = new EventSource(`/v1/events/stream${position < 0 ? '' : `?after=${position}`}`);
    source.onopen = () => {
      const wasLost = state.connection === 'lost';
      set({ connection: 'live' });
      if (wasLost) void queries.invalidateQueries();
    };
    source.onerror = () => {
      if (stopped) return;
      set({ connection: 'lost' });
      if (source?.readyState !== EventSource.CLOSED) return; // the browser connects again
      retrying = setTimeout(() => {
        // a session that has ended is found by this request, which then shows it
        get('/v1/session').then(connect, () => (retrying = setTimeout(() => void connect(), RETRY_MS)));
      }, RETRY_MS);
    };
    // events are named by their type, so every name is listened for
    for (const type of EVENT_TYPES) source.addEventListener(type, onEvent as EventListener);
  };
  set({ connection: 'connecting' });
  void connect();
  return () => {
    stopped = true;
    source?.close();
    clearTimeout(flushing);
    clearTimeout(retrying);
  };
}

const EVENT_TYPES = [
  'AccessRequested',
  'ActionAbandoned',
  'ActionCalled',
  'ActionCompleted',
  'ActionDenied',
  'ActionFailed',
  'ActionPermitted',
  'ActionStepUp',
  'ApprovalAnswered',
  'ApprovalExpired',
  'ApprovalGiven',
  'ApprovalRequested',
  'ApprovalWithdrawn',
  'DelegationRefused',
  'DriftScored',
  'EventSetAside',
  'GrantExhausted',
  'GrantExpired',
  'GrantIssued',
  'GrantNarrowed',
  'GrantRenewed',
  'GrantResumed',
  'GrantRevoked',
  'GrantSuperseded',
  'GrantSuspended',
  'HistoryImported',
  'KeyChanged',
  'McpServerApproved',
  'OutcomeReportedLate',
  'PayloadsErased',
  'PolicyDeployed',
  'PolicyPart',
  'PolicyShadowed',
  'QuarantineLifted',
  'RefusalsSummarized',
  'Refused',
  'ResponderFired',
  'RevocationRuleAdded',
  'RunCompleted',
  'RunOpened',
  'SessionChanged',
  'SignalReceived',
  'SuspensionLifted',
  'TenantBudgetRemoved',
  'TenantBudgetSet',
] as const;
