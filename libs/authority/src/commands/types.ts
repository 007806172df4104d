import type { Command, CommandOf, CommandType } from '@bailiwick/contracts/commands/command';
import type { EventData, EventType } from '@bailiwick/contracts/events/event';
import type { Limits } from '@bailiwick/contracts/grants/grant';
import type { Reason, Refusal } from '@bailiwick/contracts/reason';
import type { JudgeTrajectory } from '@bailiwick/contracts/actions/trajectory';
import type { Code } from '@bailiwick/contracts/error-codes';
import { deriveId } from '@bailiwick/core/derive-id';
import { type IdKind } from '@bailiwick/core/ids';
import { err, type Result } from '@bailiwick/core/result';
import type { Conditions, JudgeConditions } from '../conditions/port';
import type { Agents } from '../manifests/agents';
import type { Catalog } from '../matching/catalog/compile';
import type { LogState } from '../state/state';

/** An event without a position in the log. */
export type NewEvent = {
  [T in EventType]: {
    type: T;
    data: EventData<T>;
    treeId?: string | undefined;
    runId?: string | undefined;
    grantId?: string | undefined;
    actionId?: string | undefined;
    /** the command's payload is stored with this event */
    payload?: true;
  };
}[EventType];

/** The values that the rules need in addition to state and command; constant over time. */
export interface Rules {
  readonly judge: JudgeTrajectory;
  /** what verbs and tools mean until the tenant deploys another bundle */
  readonly catalog: Catalog;
  /** the manifests until the tenant deploys another bundle; left out: none */
  readonly agents?: Agents | undefined;
  /** the conditions until the tenant deploys another bundle; left out: none */
  readonly conditions?: Conditions | undefined;
  /** evaluates conditions; left out: every call under a policy with conditions is denied */
  readonly judgeConditions?: JudgeConditions | undefined;
  /** the limits of a root grant that requests none */
  readonly defaults: (now: number) => Limits;
}

/** Refusals without an event, which the owner counts until it writes the counts. */
export interface Unwritten {
  /** the run that sent the command, or its target */
  readonly runId: string | undefined;
  readonly command: string;
  readonly verb?: string | undefined;
  readonly code: string;
  readonly count: number;
}

export type Decided = Result<NewEvent[], Refusal & { readonly unwritten?: readonly Unwritten[] }>;
export type Decide<T extends CommandType> = (
  state: LogState,
  command: CommandOf<T>,
  now: number,
  rules: Rules,
) => Decided;

export function refuse(
  code: Code,
  detail: string,
  reasons?: Reason[],
  extra?: Record<string, unknown>,
): { ok: false; error: Refusal } {
  return err({ code, detail, reasons, extra });
}

/**
 * Refuses an unknown id. The state does not distinguish an id that never existed, another tenant's, and a forgotten
 * one.
 */
export const notFound = (what: string, id: string): { ok: false; error: Refusal } =>
  refuse(
    'NOT_FOUND',
    `${what} ${id} not found: check the id and that it belongs to this tenant; one that ended long ago can only be read`,
  );

/**
 * Derives the id of a node that a command creates. The position is part of it: a command id that returns after its
 * original response was forgotten does not name an existing node (I7).
 */
export const newId = (kind: IdKind, { n, next }: LogState, commandId: string): string =>
  deriveId(kind, n, commandId, String(next));

/** Reports whether a run acts for another one: its token names it as the actor, and it may only act for itself. */
export function actsForAnother(command: Command, runId: string): boolean {
  return command.actor.kind === 'run' && command.actor.id !== runId;
}
