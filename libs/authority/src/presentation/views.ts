import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import { rfc3339 } from '@bailiwick/core/clock';
import { isOpen } from '../events/endings';
import { revokedWhilePending } from './approval-status';
import { limitedBy } from '../manifests/limited-by';
import { effectiveStatus, endedFirst, endReasonOf } from '../state/liveness';
import { chainOf, type GrantNode, type LogState, type RunNode } from '../state/state';

/** The human-readable texts in the payload of a run's opening; null members were erased. */
export interface RunTexts {
  readonly purpose: string | null;
  readonly requestedBy: string | null;
  /** the actor that opened the root run */
  readonly requestedByStatedBy?: string | undefined;
  readonly task?: string | null | undefined;
}

/** The members that may change with every action below a grant. */
export type Counts = Pick<GrantView, 'consumed' | 'reserved'>;

export function grantView(state: LogState, grant: GrantNode, now: number): GrantView {
  return { ...grantTerms(state, grant, now), ...countsOf(grant) };
}

export const countsOf = (grant: GrantNode): Counts => ({
  consumed: usedUp(grant),
  reserved: structuredClone(grant.usage.reserved),
});

/** Returns the view of a grant without its counts. */
export function grantTerms(state: LogState, grant: GrantNode, now: number): Omit<GrantView, keyof Counts> {
  const chain = chainFrom(state, grant);
  const blocked = endedFirst(state, chain, now);
  const status = effectiveStatus(state, chain, now);
  return {
    id: grant.id,
    treeId: grant.treeId,
    parentId: grant.parentId,
    runId: grant.runId,
    depth: grant.depth,
    status,
    blockedBy: blocked,
    limits: grant.limits,
    children: grant.children,
    issuedAt: rfc3339(grant.issuedAt),
    endedAt: grant.endedAt === undefined ? undefined : rfc3339(grant.endedAt),
    endReason: endReasonOf(grant, blocked),
    supersededBy: grant.supersededBy,
    manifest: isOpen(grant.status) ? limitedBy(state, grant) : undefined,
    position: grant.position,
    ...importedAt(state, grant.position),
  };
}

/** Returns the chain of exactly this grant, not of the one that superseded it. */
function chainFrom(state: LogState, grant: GrantNode): GrantNode[] {
  return [grant, ...(grant.parentId === undefined ? [] : (chainOf(state, grant.parentId) ?? []))];
}

export function runView(state: LogState, run: RunNode, texts: RunTexts, now: number): RunView {
  const grant = run.grantId === undefined ? undefined : state.grants.get(run.grantId);
  const alive = run.status === 'active' || run.status === 'suspended';
  const revoked = revokedWhilePending(state, run, now);
  const status: RunView['status'] = revoked
    ? 'revoked'
    : grant && alive
      ? (effectiveStatus(state, chainFrom(state, grant), now) as RunView['status'])
      : run.status;
  return {
    id: run.id,
    treeId: run.treeId,
    parentRunId: run.parentRunId,
    agent: run.agent,
    requestedBy: texts.requestedBy,
    requestedByStatedBy: texts.requestedByStatedBy,
    approvedBy: run.approvedBy,
    approvers: run.approvers,
    purpose: texts.purpose,
    task: texts.task,
    startedAt: rfc3339(run.startedAt),
    expiresAt: grant ? rfc3339(grant.expiresAt) : undefined,
    endedAt: run.endedAt === undefined ? undefined : rfc3339(run.endedAt),
    endReason: revoked?.reason.message ?? run.endReason,
    status,
    grantId: run.grantId,
    drift: run.drift,
    ...importedAt(state, run.position),
  };
}

/** Marks a decision that another installation made, wherever it is shown. */
export const importedAt = ({ imported }: Pick<LogState, 'imported'>, position: number): { imported?: true } =>
  position < imported ? { imported: true } : {};

/** Returns the sum of the committed and the reserved usage. */
export const usedUp = ({ usage }: Pick<GrantNode, 'usage'>): GrantView['consumed'] =>
  sum(usage.committed, usage.reserved);

function summed(a: Record<string, number> = {}, b: Record<string, number> = {}): Record<string, number> {
  const all = { ...a };
  for (const [unit, value] of Object.entries(b)) all[unit] = (all[unit] ?? 0) + value;
  return all;
}

function sum(a: GrantView['consumed'], b: GrantView['consumed']): GrantView['consumed'] {
  const cost: Record<string, number> = { ...a.cost };
  for (const [currency, value] of Object.entries(b.cost)) cost[currency] = (cost[currency] ?? 0) + value;
  return {
    calls: a.calls + b.calls,
    reads: a.reads + b.reads,
    writes: a.writes + b.writes,
    external: a.external + b.external,
    cost,
    ...(a.units === undefined && b.units === undefined ? {} : { units: summed(a.units, b.units) }),
  };
}
