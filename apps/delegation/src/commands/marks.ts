import { resultDigests } from '@bailiwick/contracts/actions/action';
import type { Tree, TreeKeys } from './tree-keys';

/** The lease or the action that an unchecked command is about. */
export interface About {
  readonly grantId?: unknown;
  readonly actionId?: unknown;
}

/** What the owner of a log knows of the values that rules follow. */
export interface Following {
  /** a rule in force follows the flow of data; undefined: the log is not loaded yet */
  readonly followsValues: boolean | undefined;
  /** Waits until the log is loaded. @throws if it cannot be loaded now */
  loaded(): Promise<void>;
  /** Returns the tree of a lease or of an action without an outcome. */
  treeOf(about: About): Tree | undefined;
}

type Stating = { readonly values?: unknown; readonly marks?: unknown } & About;

/** Reports whether a command states values, so that their marks are needed, or marks, which it may not. */
export function statesValues(raw: unknown): boolean {
  const { values, marks } = (raw ?? {}) as Stating;
  return values !== undefined || marks !== undefined;
}

/**
 * Replaces the digests of the values of a command by their marks before it enters the mailbox, because an owner never waits
 * for the store. Unless a rule in force follows values, they are left out: no event has marks that nothing compares. Marks
 * that a command itself states are dropped: they could be those of any value.
 * @throws if the log cannot be loaded now
 */
export async function withMarks(keys: TreeKeys, raw: unknown, owner: Following): Promise<unknown> {
  if (!statesValues(raw)) return raw;
  const { values, marks: _, ...command } = raw as Stating;
  if (values === undefined) return command;
  const digests = resultDigests.safeParse(values);
  if (!digests.success) return raw; // the owner refuses it
  if (owner.followsValues === undefined) await owner.loaded(); // or the values of a source are unknown for good
  if (owner.followsValues === false) return command;
  return { ...command, marks: await keys.marksOf(owner.treeOf(command), digests.data) };
}
