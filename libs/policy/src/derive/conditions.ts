import { foreignInLike, foreignInName } from '@bailiwick/authority/matching/foreign-syntax';
import type { Condition, Scalar } from '@bailiwick/contracts/grants/grant';
import { LIMITS } from '@bailiwick/core/limits';
import { addressesIn, NO_ADDRESS } from '../catalog/addresses';
import { ADDRESSES } from './call-of-tool';
import { noveltyOf, type AttributeEvidence, type ClassNovelty, type VerbEvidence } from './evidence';
import { hostOf, isAddress, isNamedIn, keyOfValue, kindOf, namedBy } from './values';

/** What an attribute is bound to. */
export interface Tie {
  readonly attribute: string;
  /** one of them must hold */
  readonly alternatives: readonly Condition[];
  readonly says: string;
  /** its values are addresses of parties or places outside */
  readonly isAddress: boolean;
}

/** An attribute whose values are new in at most this share of runs is bound to them. */
const PREDICTABLE = 0.02;
/** If no attribute of a call with an effect is so, the most predictable one is bound, up to this share. */
const FAIRLY_PREDICTABLE = 0.2;
/** An attribute that is predictable in the class may still not be so in one task. */
const UNPREDICTABLE_HERE = 0.34;
/** If a person is asked about another value, an attribute is also bound if it is new in this share of the runs of the task. */
const PREDICTABLE_HERE = 0.2;
/** Fewer runs show nothing about the next one: then the class counts alone. */
const FEW_RUNS = 3;
const MOST_TIES = LIMITS.conditionsPerSelector;

/**
 * Returns which attributes of calls with an effect are bound to the values that they had, by how well other runs predicted
 * them: the target of an action is what the runs of a task agree on, its wording is not. Addresses of parties and places
 * outside are always bound, also for what only reads: a request to an address reveals itself there. A condition holds for no call that leaves its attribute out, so only attributes of every call
 * are bound.
 * @param mostValues of one condition: those of most runs
 */
export function tiesOf(
  evidence: VerbEvidence,
  inClass: ClassNovelty,
  task: string,
  { mostValues, isRead, asks }: { readonly mostValues: number; readonly isRead: boolean; readonly asks: boolean },
): Tie[] {
  const { verb, type, calls, attributes, runs } = evidence;
  const rated = [...attributes]
    .filter(([name, { single, lists }]) => name !== ADDRESSES && single + lists === calls.length)
    .map(([name, of]) => ({ name, of, inClass: inClass(verb, type, name), here: noveltyOf(of) }))
    .sort((a, b) => a.inClass.novelty + a.here - (b.inClass.novelty + b.here) || a.name.localeCompare(b.name));
  const bound = rated.filter(
    (each) =>
      isAddressed(each.of) ||
      (!isRead && isPredictable(each.inClass) && (each.here <= UNPREDICTABLE_HERE || runs < FEW_RUNS)) ||
      (!isRead && asks && expectedNovelty(each.here, runs) <= PREDICTABLE_HERE),
  );
  const [best] = rated;
  if (!isRead && bound.length === 0 && best && best.inClass.novelty <= FAIRLY_PREDICTABLE) bound.push(best);
  const reached = addressesTie(evidence, task, mostValues);
  const first = new Set([...bound].sort((a, b) => rank(a.of) - rank(b.of)).slice(0, MOST_TIES));
  const ties = bound
    .filter((each) => first.has(each))
    .map(({ name, of }) => ({
      attribute: name,
      alternatives: alternativesOf(of, task, mostValues),
      says: `${name}: ${counted(of.values.size, 'value')} in ${counted(of.byRun.length, 'run')}${originOf(of)}`,
      isAddress: isAddressed(of),
    }));
  // it replaces no other tie: within known addresses, or without any, that one's attribute would be open
  return reached === undefined || ties.length === MOST_TIES ? ties : [...ties, reached];
}
const rank = (of: AttributeEvidence): number => (isAddressed(of) ? 0 : 1);

/**
 * Binds the addresses in all arguments of what reaches out, within texts and in arguments that some calls leave out: to those
 * of the runs and of the task. It is a part of what is sent and no target, so another one is asked about if the lease asks.
 */
function addressesTie({ calls, attributes }: VerbEvidence, task: string, mostValues: number): Tie | undefined {
  const reached = attributes.get(ADDRESSES);
  if (reached?.lists !== calls.length || !calls.some(({ effects }) => effects.includes('external'))) return undefined;
  const ofRuns = [...reached.values]
    .sort(([a, x], [b, y]) => y.runs - x.runs || a.localeCompare(b))
    .flatMap(([, { spelled }]) => [...spelled])
    .filter(isWritable);
  const ofTask = [...addressesIn(task)].filter(isWritable);
  const known = new Set([NO_ADDRESS, ...ofTask, ...ofRuns.slice(0, mostValues)]);
  return {
    attribute: ADDRESSES,
    alternatives: [{ all: [...known].slice(0, LIMITS.valuesPerCondition) }],
    says: `addresses within arguments: ${counted(reached.values.size, 'value')} in ${counted(reached.byRun.length, 'run')}`,
    isAddress: false,
  };
}

const isWritable = (each: Scalar): boolean => typeof each !== 'string' || foreignInName(each) === undefined;

/** Of few runs no one knows yet: at least one new value is expected (Laplace). */
const expectedNovelty = (novelty: number, runs: number): number => (novelty * runs + 1) / (runs + 2);
const isPredictable = ({ novelty, runs }: ReturnType<ClassNovelty>): boolean =>
  expectedNovelty(novelty, runs) <= PREDICTABLE;

/** Most of its values are addresses. */
export const isAddressed = ({ values }: AttributeEvidence): boolean =>
  [...values.values()].filter(({ spelled }) => [...spelled].some((each) => isAddress(each))).length * 2 >= values.size;

function originOf({ values, byRun }: AttributeEvidence): string {
  const named = [...values.keys()].filter((key) => byRun.every(({ task }) => isNamedIn(task, key))).length;
  return named === 0 ? '' : `, ${named} named by the task`;
}

/**
 * Returns the conditions for the known values: exactly these, in the spellings that they had, and what the task names. Of
 * an address of the web whose runs had several paths of one host, every path of that host.
 */
function alternativesOf(evidence: AttributeEvidence, task: string, mostValues: number): Condition[] {
  const known = [...evidence.values]
    .sort(([a, x], [b, y]) => y.runs - x.runs || a.localeCompare(b))
    .slice(0, mostValues);
  const values = new Set<Scalar>();
  for (const [, { spelled }] of known) for (const each of spelled) for (const as of spellings(each)) values.add(as);
  const named = known.filter(([key]) => isNamedIn(task, key)).flatMap(([, { spelled }]) => [...spelled]);
  const kinds = new Set(named.map(kindOf));
  for (const each of namedBy(task)) if (kinds.has(kindOf(each))) for (const as of spellings(each)) values.add(as);
  const list = [...values].filter(isWritable).slice(0, MOST_SPELLINGS);
  // a name that looks like a pattern of another language can be written as `like`
  const odd = [...values]
    .filter((each): each is string => typeof each === 'string' && isOnlyLike(each))
    .slice(0, MOST_ODD);
  const hosts = hostsOf(
    known.flatMap(([, { spelled }]) => [...spelled]),
    task,
  );
  const exact: Condition[] = list.length > 0 ? [{ in: list }] : [];
  const single = [...exact, ...odd.map((like) => ({ like })), ...hosts.flatMap(prefixesOf)];
  const all: Condition[] = list.length > 0 ? [{ all: list }] : [];
  return [...(evidence.single > 0 ? single : []), ...(evidence.lists > 0 ? all : [])];
}
const isOnlyLike = (value: string): boolean =>
  foreignInName(value) !== undefined && foreignInLike(value) === undefined && !value.includes('*');
const MOST_ODD = 4;
const MOST_SPELLINGS = 64;
const MOST_HOSTS = 6;

/** Returns the hosts that the task names, or of which the runs had several addresses. */
function hostsOf(values: readonly Scalar[], task: string): string[] {
  const paths = new Map<string, Set<string>>();
  for (const value of values) {
    const host = hostOf(value);
    if (host !== undefined) paths.set(host, (paths.get(host) ?? new Set()).add(keyOfValue(value)));
  }
  return [...paths]
    .filter(([host, { size }]) => size > 1 || isNamedIn(task, host))
    .map(([host]) => host)
    .slice(0, MOST_HOSTS);
}

const prefixesOf = (host: string): Condition[] =>
  ['', 'http://', 'https://'].map((scheme) => ({ prefix: `${scheme}${host}/` }));

/** Returns the spellings of one value: a number and its text, an address of the web with and without its scheme. */
function spellings(value: Scalar): Scalar[] {
  if (typeof value === 'number') return [value, String(value)];
  if (typeof value === 'boolean') return [value];
  if (/^-?\d{1,15}(\.\d{1,6})?$/.test(value) && String(Number(value)) === value) return [value, Number(value)];
  if (hostOf(value) === undefined) return [value];
  const bare = value.replace(/^https?:\/\//i, '').replace(/\/+$/, '');
  return ['', 'http://', 'https://'].flatMap((scheme) => ['', '/'].map((end) => `${scheme}${bare}${end}`));
}

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;
