import type { Scalar } from '@bailiwick/contracts/grants/grant';
import type { RecordedCall, RecordedRun } from './recorded-run';
import { isNamedIn, keyOfValue, scalarsOf } from './values';

/** What the runs show about one attribute of the calls of a verb. */
export interface AttributeEvidence {
  /** key of a value → the number of runs that have it, and its spellings */
  readonly values: Map<string, { runs: number; readonly spelled: Set<Scalar> }>;
  /** the number of calls that state it, single and as a list */
  single: number;
  lists: number;
  /** the keys of each run that has it */
  readonly byRun: { readonly task: string; readonly keys: ReadonlySet<string> }[];
}

/** What the runs show about the calls of one verb on one type of resource. */
export interface VerbEvidence {
  readonly verb: string;
  readonly type: string;
  readonly calls: RecordedCall[];
  /** the number of runs with such a call */
  runs: number;
  /** the largest number of such calls in one run */
  most: number;
  readonly attributes: Map<string, AttributeEvidence>;
  /** the ids of the resources by run */
  readonly ids: ReadonlySet<string>[];
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

/** Collects the evidence of runs by verb and type of resource. Calls that failed had no effect and are left out. */
export function evidenceOf(runs: readonly RecordedRun[]): VerbEvidence[] {
  const found = new Map<string, VerbEvidence>();
  for (const { task, calls } of runs) {
    const groups = grouped(
      calls.filter(({ completed }) => completed),
      ({ verb, resource }) => `${verb} ${resource.type}`,
    );
    for (const [key, ofRun] of groups) {
      const { verb, resource } = ofRun[0] as RecordedCall;
      const empty = { verb, type: resource.type, calls: [], runs: 0, most: 0, attributes: new Map(), ids: [] };
      const evidence: VerbEvidence = found.get(key) ?? empty;
      found.set(key, evidence);
      evidence.calls.push(...ofRun);
      evidence.runs += 1;
      evidence.most = Math.max(evidence.most, ofRun.length);
      evidence.ids.push(new Set(ofRun.map(({ resource: { id } }) => id)));
      addAttributes(evidence, ofRun, task);
    }
  }
  return [...found.values()];
}

function addAttributes({ attributes }: VerbEvidence, calls: readonly RecordedCall[], task: string): void {
  const ofRun = new Map<string, Set<string>>();
  for (const call of calls)
    for (const [name, value] of Object.entries(call.attributes)) {
      const evidence: AttributeEvidence = attributes.get(name) ?? { values: new Map(), single: 0, lists: 0, byRun: [] };
      attributes.set(name, evidence);
      if (Array.isArray(value)) evidence.lists += 1;
      else evidence.single += 1;
      const keys = ofRun.get(name) ?? new Set();
      ofRun.set(name, keys);
      for (const each of scalarsOf(value)) {
        const key = keyOfValue(each);
        const known = evidence.values.get(key) ?? { runs: 0, spelled: new Set<Scalar>() };
        evidence.values.set(key, known);
        known.spelled.add(each);
        if (!keys.has(key)) known.runs += 1;
        keys.add(key);
      }
    }
  for (const [name, keys] of ofRun) attributes.get(name)?.byRun.push({ task, keys });
}

/**
 * Returns the share of runs with a value that no other run and no task named: how often the next run is expected to bring
 * a new one (leave one out, Good and Turing's estimate).
 */
export function noveltyOf({ values, byRun }: AttributeEvidence): number {
  const isNew = (task: string, key: string): boolean => values.get(key)?.runs === 1 && !isNamedIn(task, key);
  const novel = byRun.filter(({ task, keys }) => [...keys].some((key) => isNew(task, key)));
  return byRun.length === 0 ? 1 : novel.length / byRun.length;
}

/**
 * How new the values of an attribute are in the runs of a class, whatever their tasks: a value is known within its task
 * alone. `runs` have the attribute.
 */
export type ClassNovelty = (verb: string, type: string, attribute: string) => { novelty: number; runs: number };

export function classNovelty(runs: readonly RecordedRun[]): ClassNovelty {
  const counts = new Map<string, { novel: number; runs: number }>();
  for (const ofTask of grouped(runs, ({ task }) => task).values()) {
    if (ofTask.length < 2) continue;
    for (const { verb, type, attributes } of evidenceOf(ofTask))
      for (const [name, evidence] of attributes) {
        const key = JSON.stringify([verb, type, name]);
        const count = counts.get(key) ?? { novel: 0, runs: 0 };
        counts.set(key, count);
        count.novel += noveltyOf(evidence) * evidence.byRun.length;
        count.runs += evidence.byRun.length;
      }
  }
  return (verb, type, attribute) => {
    const count = counts.get(JSON.stringify([verb, type, attribute]));
    return count === undefined ? { novelty: 1, runs: 0 } : { novelty: count.novel / count.runs, runs: count.runs };
  };
}
