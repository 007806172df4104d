import type { Permission, Selector } from '@bailiwick/contracts/grants/grant';
import type { PolicyRule } from '@bailiwick/contracts/policy/rule';
import { LIMITS } from '@bailiwick/core/limits';
import { alternativesTo } from './alternatives';
import type { Tie } from './conditions';
import type { VerbEvidence } from './evidence';
import type { RecordedRun } from './recorded-run';

/*
 * What a lease asks a person about instead of denying it, because the runs of its task show little about it. Reads of
 * other tasks, and reads of private or untrusted data that few runs of the task made, are permitted until the task has started: what a run reads
 * first was not suggested by what it has read.
 */

/** Private data, and the words of others, that at most this share of the runs read after their first call are asked about. */
const RARE = 0.2;

export const isRead = ({ calls }: VerbEvidence): boolean =>
  calls.every(({ effects }) => effects.every((each) => each === 'read'));

/** Returns the verbs that read private data or the words of others, and that at most a fifth of the runs used after their first call. */
export function rareReads(runs: readonly RecordedRun[], evidence: readonly VerbEvidence[]): string[] {
  return evidence
    .filter(
      (each) =>
        isRead(each) &&
        each.calls.some(({ labels }) => labels?.some((label) => label === 'private' || label === 'untrusted')),
    )
    .filter(({ verb }) => {
      const later = runs.filter(({ calls }) =>
        calls.filter(({ completed }) => completed).some((call, index) => index > 0 && call.verb === verb),
      );
      return later.length <= RARE * runs.length;
    })
    .map(({ verb }) => verb);
}

/**
 * Returns the rules by which a person is asked, once the task has started, before a run reads what few runs of its task
 * read, or only runs of other tasks. Other ways to read what the task reads are not asked about.
 * @param others verbs that only read, of other tasks
 */
export function rulesOfDoubt(
  agentClass: string,
  runs: readonly RecordedRun[],
  evidence: readonly VerbEvidence[],
  others: readonly string[],
): PolicyRule[] {
  const own = evidence.map(({ verb }) => verb);
  const [first] = own;
  if (first === undefined) return [];
  const known = alternativesTo(
    evidence.filter(isRead).map(({ verb }) => verb),
    others,
  );
  const asked = [...rareReads(runs, evidence), ...others.filter((verb) => !known.has(verb))].sort();
  const started = { verbs: own.slice(0, LIMITS.policy.rule.list), classes: [agentClass] };
  return chunks(asked, LIMITS.policy.rule.list).map((verbs, index) => ({
    name: `${nameOf(agentClass)}-reads-${index + 1}`,
    on: { verbs, classes: [agentClass] },
    when: { formerly: started },
    outcome: 'ask',
    says: 'few runs of this task read this once it had started; a person must approve it',
    examples: {
      fires: [[stepOf(agentClass, first), stepOf(agentClass, verbs[0] as string)]],
      silent: [[stepOf(agentClass, verbs[0] as string)]],
    },
  }));
}

const stepOf = (agentClass: string, verb: string) => ({ verb, class: agentClass });

const nameOf = (agentClass: string): string =>
  `derived-${agentClass.toLowerCase().replace(/[^a-z0-9]+/g, '-')}`.slice(0, 48).replace(/-+$/, '');

function chunks<T>(items: readonly T[], size: number): T[][] {
  return items.length === 0 ? [] : [items.slice(0, size), ...chunks(items.slice(size), size)];
}

/**
 * Returns the entry that asks a person about values of a verb that no run had: with its addresses bound as before, and
 * everything else open. Undefined if nothing but addresses is bound and no cap is left to exceed.
 */
export function askedEntry(entry: Permission, ties: readonly Tie[]): Permission | undefined {
  const addresses = new Set(ties.filter(({ isAddress }) => isAddress).map(({ attribute }) => attribute));
  const resources = new Map<string, Selector>();
  for (const { where = {}, ...place } of entry.resources) {
    const bound = Object.fromEntries(Object.entries(where).filter(([name]) => addresses.has(name)));
    const selector = { ...place, ...(Object.keys(bound).length === 0 ? {} : { where: bound }) };
    resources.set(JSON.stringify(selector), selector);
  }
  if (entry.calls === undefined) return undefined;
  return { actions: entry.actions, resources: [...resources.values()], mode: 'propose' };
}
