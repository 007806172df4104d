import { COUNTERS, type Consumed } from '@bailiwick/contracts/grants/grant';
import type { TreePredicate } from '@bailiwick/contracts/receipts/receipt';
import { absentIn } from './absent';
import { importedIn, importedNotProved } from './imported';
import { eventsOfReceipt } from './select';
import { readStory, type Story, type StoryEntry } from './story';
import { claimsOfRun, DOES_NOT_PROVE } from './summary';

/** Lists the runs of a tree whose opening is in the story, in the order of their openings. */
const runsOf = (treeId: string, { openings }: Story): string[] =>
  [...openings].flatMap(([runId, { event }]) => (event.treeId === treeId ? [runId] : []));

/**
 * Selects the events of a tree's receipt: those of the receipts of all its runs.
 * @param story events of the log: all events of the tree, and all revocation rules
 */
export function eventsOfTree(treeId: string, story: Story): StoryEntry[] {
  const chosen = new Set<StoryEntry>();
  for (const runId of runsOf(treeId, story)) for (const each of eventsOfReceipt(runId, story)) chosen.add(each);
  return story.entries.filter((each) => chosen.has(each));
}

/**
 * Derives the claims of a tree's receipt: the claims of each run as in a separate receipt, and the total spent.
 * @throws Error if the events do not contain the opening of its root
 */
export function summariseTree(treeId: string, story: Story): TreePredicate {
  const runs = runsOf(treeId, story).map((runId) => claimsOfRun(runId, readStory(eventsOfReceipt(runId, story))));
  const [root] = runs;
  if (!root || root.run.parentRunId !== undefined)
    throw new Error(`the events do not contain the opening of the root of ${treeId}`);
  return {
    tree: { id: treeId, rootRunId: root.run.id, startedAt: root.run.startedAt },
    purpose: root.purpose,
    requestedBy: root.requestedBy,
    ...(root.requestedByStatedBy === undefined ? {} : { requestedByStatedBy: root.requestedByStatedBy }),
    principalRef: root.principalRef,
    runs,
    spent: sumOf(runs.map(({ spent }) => spent)),
    absent: absentIn(story),
    ...importedIn(story),
    doesNotProve: [...DOES_NOT_PROVE, ...importedNotProved(story)],
  };
}

export function sumOf(all: readonly Consumed[]): Consumed {
  const sum: { -readonly [K in keyof Consumed]: Consumed[K] } = {
    calls: 0,
    reads: 0,
    writes: 0,
    external: 0,
    cost: {},
  };
  for (const each of all) {
    for (const counter of COUNTERS) sum[counter] += each[counter];
    for (const [currency, value] of Object.entries(each.cost)) sum.cost[currency] = (sum.cost[currency] ?? 0) + value;
    for (const [unit, value] of Object.entries(each.units ?? {}))
      sum.units = { ...sum.units, [unit]: (sum.units?.[unit] ?? 0) + value };
  }
  return sum;
}
