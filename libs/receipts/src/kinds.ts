import {
  ACTION_RECEIPT,
  RUN_RECEIPT,
  TREE_RECEIPT,
  type ActionPredicate,
  type Period,
  type Predicate,
  type PredicateType,
  type Statement,
  type TreePredicate,
} from '@bailiwick/contracts/receipts/receipt';
import { withErasures } from './absent';
import { eventsOfAction, summariseAction } from './action';
import type { DigestOf } from './chain';
import { withImports } from './imported';
import { eventsOfReceipt } from './select';
import { eventsOfPeriod } from './select-period';
import type { Story, StoryEntry } from './story';
import { summarise } from './summary';
import { eventsOfTree, summariseTree } from './tree';

export type Claims = Predicate | TreePredicate | ActionPredicate;

/** Defines how a receipt of one kind is built and verified; builder and verifier use the same table. */
export interface Kind {
  /** human-readable name of the subject */
  readonly about: string;
  /** selects the events that belong in the receipt */
  readonly select: (id: string, candidates: Story) => StoryEntry[];
  /** derives the claims from the events. @throws Error if the events do not contain the subject */
  readonly summarise: (id: string, story: Story, digestOf: DigestOf) => Claims;
  /** whether the receipt contains every event that charged its leases */
  readonly whole: boolean;
}

export const KINDS: Readonly<Record<PredicateType, Kind>> = {
  [RUN_RECEIPT]: { about: 'run', select: erasedToo(eventsOfRun), summarise, whole: false },
  [TREE_RECEIPT]: { about: 'tree', select: erasedToo(eventsOfTree), summarise: summariseTree, whole: true },
  [ACTION_RECEIPT]: { about: 'action', select: erasedToo(eventsOfAction), summarise: summariseAction, whole: false },
};

type Select = Kind['select'];

function eventsOfRun(runId: string, story: Story): StoryEntry[] {
  return story.period ? eventsOfPeriod(runId, story, story.period) : eventsOfReceipt(runId, story);
}

/** Adds to the events about the id the erasures that removed their payloads and the imports that contain them. */
function erasedToo(select: Select): Select {
  return (id, candidates) => withImports(withErasures(select(id, candidates), candidates.entries), candidates.entries);
}

/** Returns the id of the run, tree or action that a statement is about. */
export function idOf(statement: Statement): string {
  if (statement.predicateType === RUN_RECEIPT) return statement.predicate.run.id;
  if (statement.predicateType === TREE_RECEIPT) return statement.predicate.tree.id;
  return statement.predicate.custody.actionId;
}

/** Returns the period that a statement is about; undefined if it is about all of its subject. */
export const periodOf = (statement: Statement): Period | undefined =>
  statement.predicateType === RUN_RECEIPT ? statement.predicate.period : undefined;

/** Returns the position of the event whose digest identifies the subject: the opening of the run or of the root, or the decision. */
export function subjectPosition(type: PredicateType, id: string, { openings, decisions }: Story): number | undefined {
  if (type === RUN_RECEIPT) return openings.get(id)?.event.position;
  if (type === ACTION_RECEIPT) return decisions.get(id)?.event.position;
  return [...openings.values()].find(({ event }) => event.treeId === id && event.data.parentRunId === undefined)?.event
    .position;
}
