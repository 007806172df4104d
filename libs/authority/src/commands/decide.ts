import type { Command, CommandType } from '@bailiwick/contracts/commands/command';
import { CODES } from '@bailiwick/contracts/error-codes';
import { CANONICAL_DEPTH } from '@bailiwick/core/canonical';
import { LIMITS } from '@bailiwick/core/limits';
import { err, ok } from '@bailiwick/core/result';
import { decideApproval } from './approvals';
import { authorize } from './actions/authorize-action';
import { removeTenantBudget, setTenantBudget } from './budgets';
import { delegate } from './grants/delegate';
import { deployPolicy } from './deploy-policy';
import { endSending } from './actions/end-sending';
import { erase } from './erase';
import { recordDrift, resume, revokeGrant, suspend } from './grants/grant';
import { narrow } from './grants/narrow';
import { openRun } from './grants/open-run';
import { renew } from './grants/renew';
import { liftQuarantine, liftSuspension, revokeSelector } from './revoke';
import { completeRun, escalate } from './grants/run';
import { recordKey } from './record-key';
import { requestAccess, withdrawRequest } from './request-access';
import { recordMcpApproval } from './record-mcp-approval';
import { recordMcpServer } from './record-mcp-server';
import { recordSession } from './record-session';
import { recordSignal } from './record-signal';
import { recordWebhook } from './record-webhook';
import { onlyCounted, recordRefusal, summarizeRefusals } from './refusals';
import { heldUp, setAsideEvent } from './set-aside';
import { settle } from './actions/settle-action';
import { tick } from './tick';
import type { Decide, Decided, NewEvent, Rules } from './types';
import { beyondBudget } from './refusal-budgets';
import { settledOf, type LogState } from '../state/state';
import { clip } from '../presentation/text';

const DECIDERS: { [T in CommandType]: Decide<T> } = {
  openRun,
  delegate,
  authorize,
  settle,
  completeRun,
  escalate,
  decideApproval,
  requestAccess,
  withdrawRequest,
  suspend,
  resume,
  renew,
  narrow,
  revokeGrant,
  revokeSelector,
  liftQuarantine,
  liftSuspension,
  setTenantBudget,
  removeTenantBudget,
  deployPolicy,
  recordKey,
  recordMcpApproval,
  recordMcpServer,
  recordWebhook,
  recordSession,
  recordSignal,
  erase,
  setAsideEvent,
  recordDrift,
  recordRefusal,
  tick,
  summarizeRefusals,
};

/**
 * Decides which events a command makes of a state at a time. Pure: the same three values give the same events. A
 * refusal by a rule (403) is itself a fact and returned as events; a request that is malformed (400), unknown (404), in
 * conflict (409) or one of too many (429, also for refusals) changes nothing and is returned as the refusal.
 * @param now ms; the caller ensures that it is never earlier than the state's newest event
 */
export function decide(state: LogState, command: Command, now: number, rules: Rules): Decided {
  if (command.log !== state.log)
    return err({ code: 'NOT_FOUND', detail: `this is log ${state.log}, not ${command.log}` }); // I9
  if (!isWellFormed(command))
    return err({
      code: 'BAD_REQUEST',
      detail: 'the command has a text with an unpaired surrogate, or is nested too deeply',
    }); // I11
  const held = state.unreadable.size === 0 ? undefined : heldUp(state, command, placeOf(state, command).treeId);
  const decided = recorded(
    state,
    command,
    held ? err(held) : (DECIDERS[command.type] as (...args: unknown[]) => Decided)(state, command, now, rules),
  );
  if (decided.ok) decided.value.push(...endSending(state, decided.value, now));
  const unwritten = decided.ok ? beyondBudget(state, command.actor, decided.value, now) : undefined;
  return unwritten ? onlyCounted(command, unwritten) : decided;
}

/** Records a refusal by a rule as an event. */
function recorded(state: LogState, command: Command, decided: Decided): Decided {
  if (decided.ok || CODES[decided.error.code] !== 403) return decided;
  const { code, detail, reasons } = decided.error;
  return ok([
    {
      type: 'Refused',
      ...placeOf(state, command),
      data: { command: command.type, code, detail: clip(detail, LIMITS.detailLength), ...(reasons ? { reasons } : {}) },
    },
  ]);
}

/** Checks that a value has a canonical JSON form: without one its digest would throw in the middle of a batch. */
function isWellFormed(value: unknown, depth = 0): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  if (typeof value !== 'object' || value === null) return true;
  if (depth >= CANONICAL_DEPTH) return false;
  const members = value as Record<string, unknown>;
  for (const key of Object.keys(members)) {
    if (!key.isWellFormed() || !isWellFormed(members[key], depth + 1)) return false;
  }
  return true;
}

/** Returns the target of a refused command, as far as it exists. */
function placeOf(state: LogState, command: Command): Pick<NewEvent, 'treeId' | 'runId' | 'grantId'> {
  const named = command as { runId?: string; grantId?: string; approvalId?: string; actionId?: string };
  const runId =
    named.runId ??
    state.approvals.get(named.approvalId ?? '')?.runId ??
    (state.actions.get(named.actionId ?? '') ?? settledOf(state, named.actionId ?? ''))?.runId;
  const grant = named.grantId === undefined ? undefined : state.grants.get(named.grantId);
  const run = state.runs.get(grant?.runId ?? runId ?? '');
  return { treeId: run?.treeId, runId: run?.id, grantId: grant?.id };
}
