import type { Command, CommandOf, CommandType } from '@bailiwick/contracts/command';
import type { EventData, EventType } from '@bailiwick/contracts/event';
import type { Limits } from '@bailiwick/contracts/grant';
import type { Reason, Refusal } from '@bailiwick/contracts/reason';
import type { JudgeTrajectory } from '@bailiwick/contracts/trajectory';
import type { Code } from '@bailiwick/contracts/codes';
import { deriveId } from '@bailiwick/core/derive-id';
import { type IdKind } from '@bailiwick/core/ids';
import { err, type Result } from '@bailiwick/core/result';
import type { LogState } from '../state/state';

/** An event before it has a place in the log. */
export type NewEvent = {
  [T in EventType]: {
    type: T;
    data: EventData<T>;
    treeId?: string | undefined;
    runId?: string | undefined;
    grantId?: string | undefined;
    actionId?: string | undefined;
    /** the command's payload stands beside this event */
    payload?: true;
  };
}[EventType];

/** What the rules need that is neither state nor command: values, given once. */
export interface Rules {
  readonly judge: JudgeTrajectory;
  /** what a root grant takes where it says nothing */
  readonly defaults: (now: number) => Limits;
}

/** Refusals that no event is written of: counted by the owner until it writes the counts. */
export interface Unwritten {
  /** of whom: the run that asked, or that it was asked for */
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

/** Never heard of, another tenant's, or forgotten since it ended long ago: which of them the state cannot tell. */
export const notFound = (what: string, id: string): { ok: false; error: Refusal } =>
  refuse(
    'NOT_FOUND',
    `no ${what} ${id} takes commands here: check the id and that it belongs to this tenant; one that ended long ago can only be read`,
  );

/**
 * The id of what a command makes here. The position is part of it: a command id that comes back after its first answer
 * was forgotten names nothing that is there already (I7).
 */
export const newId = (kind: IdKind, { n, next }: LogState, commandId: string): string =>
  deriveId(kind, n, commandId, String(next));

/** A run may only speak for itself: its token names it as the actor. */
export function actsForAnother(command: Command, runId: string): boolean {
  return command.actor.kind === 'run' && command.actor.id !== runId;
}
