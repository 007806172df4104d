import {
  ACTION_RECEIPT,
  RUN_RECEIPT,
  TREE_RECEIPT,
  type ActionPredicate,
  type Predicate,
  type PredicateType,
  type Statement,
  type TreePredicate,
} from '@bailiwick/contracts/receipt';
import { withErasures } from './absent';
import { eventsOfAction, summariseAction } from './action';
import type { DigestOf } from './chain';
import { withImports } from './imported';
import { eventsOfReceipt } from './select';
import type { Story, StoryEntry } from './story';
import { summarise } from './summary';
import { eventsOfTree, summariseTree } from './tree';

export type Claims = Predicate | TreePredicate | ActionPredicate;

/** How a receipt of one kind is made and checked: builder and verifier go by the same table. */
export interface Kind {
  /** what it is about, in words */
  readonly about: string;
  /** which of the events belong into it */
  readonly select: (id: string, candidates: Story) => StoryEntry[];
  /** what they say. @throws Error where they do not hold what it is about */
  readonly summarise: (id: string, story: Story, digestOf: DigestOf) => Claims;
  /** are its events all that charged its leases? */
  readonly whole: boolean;
}

export const KINDS: Readonly<Record<PredicateType, Kind>> = {
  [RUN_RECEIPT]: { about: 'run', select: erasedToo(eventsOfReceipt), summarise, whole: false },
  [TREE_RECEIPT]: { about: 'tree', select: erasedToo(eventsOfTree), summarise: summariseTree, whole: true },
  [ACTION_RECEIPT]: { about: 'action', select: erasedToo(eventsOfAction), summarise: summariseAction, whole: false },
};

type Select = Kind['select'];

/** What is about the id, the erasures that made gaps in it, and the imports that brought it here. */
function erasedToo(select: Select): Select {
  return (id, candidates) => withImports(withErasures(select(id, candidates), candidates.entries), candidates.entries);
}

/** What a statement says it is about: the id of its run, tree or action. */
export function idOf(statement: Statement): string {
  if (statement.predicateType === RUN_RECEIPT) return statement.predicate.run.id;
  if (statement.predicateType === TREE_RECEIPT) return statement.predicate.tree.id;
  return statement.predicate.custody.actionId;
}

/** Its subject: the id, by the digest of the event that it begins with: the opening of the run or of the root, the decision. */
export function beginsWith(type: PredicateType, id: string, { openings, decisions }: Story): number | undefined {
  if (type === RUN_RECEIPT) return openings.get(id)?.event.position;
  if (type === ACTION_RECEIPT) return decisions.get(id)?.event.position;
  return [...openings.values()].find(({ event }) => event.treeId === id && event.data.parentRunId === undefined)?.event
    .position;
}
