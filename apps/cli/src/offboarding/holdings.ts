import type { PreviewView } from '@bailiwick/contracts/queries/query';
import { sha256hex } from '@bailiwick/core/digest';

/** A key of the person that is valid. */
export interface HeldKey {
  readonly id: string;
  readonly name: string;
}
/** An approval that the person gave for more than one call, under a lease that has not ended. */
export interface StandingApproval {
  readonly id: string;
  readonly asks: string;
}
/** A request of another that waits, which the person has approved as one of several. */
export type GivenAnswer = StandingApproval;
/** A class that the person answers for by the policy in force, with its leases. */
export interface OwnedClass {
  readonly name: string;
  /** undefined: of the entry for all other classes, which no selector names */
  readonly leases: PreviewView | undefined;
}

/** Everything that belongs to a person. A part that the caller may not read is undefined, and named in `unread`. */
export interface Holdings {
  readonly person: string;
  /** the leases of the runs that were opened in their name, and their requests */
  readonly leases: PreviewView | undefined;
  readonly keys: readonly HeldKey[] | undefined;
  readonly standing: readonly StandingApproval[] | undefined;
  readonly answered: readonly GivenAnswer[] | undefined;
  readonly classes: readonly OwnedClass[] | undefined;
  /** leases of other people that their answer issued; they live on */
  readonly approvedLeases: number | undefined;
  /** names of valid keys of others that they issued; they stay valid */
  readonly issuedKeys: readonly string[] | undefined;
  /** keys of theirs that have ended already */
  readonly endedKeys: number;
  readonly unread: readonly { readonly part: string; readonly why: string }[];
}

/** What becomes of a class of the person: it has a new owner, or its leases end and new ones are refused. */
export interface ClassPlan {
  readonly owners: ReadonlyMap<string, string>;
  readonly stops: ReadonlySet<string>;
}

/** The name of the entry that the policy has for all classes without one. */
export const OTHERS = '*';

/** Reports whether something here names the person, or named them, as far as could be read. */
export function isKnown(holdings: Holdings): boolean {
  const { leases, keys, standing, answered, classes, approvedLeases = 0, issuedKeys, endedKeys, unread } = holdings;
  const { grants = 0, pendingApprovals = 0 } = leases?.counts ?? {};
  const parts = [keys, standing, answered, classes, issuedKeys, unread];
  return grants + pendingApprovals + approvedLeases + endedKeys > 0 || parts.some((part) => (part?.length ?? 0) > 0);
}

/** Returns the classes of which neither a new owner nor a stop is planned. */
export const orphansIn = ({ classes = [] }: Holdings, { owners, stops }: ClassPlan): string[] =>
  classes.map(({ name }) => name).filter((name) => !owners.has(name) && !stops.has(name));

const short = (text: string): string => sha256hex(text).slice(0, 12);
const SEPARATOR = '~';

/** Every part apart from leases, one text for each, as a digest covers it. */
function itemsOf({
  keys = [],
  standing = [],
  answered = [],
  classes = [],
}: Holdings): { text: string; says: string }[] {
  return [
    ...keys.map(({ id, name }) => ({ text: id, says: `key ${name}` })),
    ...standing.map(({ id, asks }) => ({ text: id, says: `standing approval ${id}: ${asks}` })),
    ...answered.map(({ id, asks }) => ({ text: id, says: `answer to ${id}: ${asks}` })),
    ...classes.map(({ name }) => ({ text: `class ${name}`, says: `class ${name}` })),
  ];
}

/**
 * Returns the digest of what was shown: that of the preview of the leases, one for each class, and a short one for each
 * other item. Later ends do not change it, so that an offboarding that broke off continues under the same digest.
 */
export function digestOf(holdings: Holdings): string {
  const { leases, classes = [] } = holdings;
  const ofClasses = classes.flatMap(({ name, leases: held }) => (held ? [`${short(name)}=${held.digest}`] : []));
  const items = itemsOf(holdings).map(({ text }) => short(text));
  return [leases?.digest ?? '-', items.sort().join('.'), ...ofClasses].join(SEPARATOR);
}

/** What a digest states of the leases, of a class, and of the other items. */
export interface Shown {
  /** the whole digest */
  readonly text: string;
  readonly leases: string | undefined;
  classDigest(name: string): string | undefined;
  has(text: string): boolean;
}

/** Reads a digest; undefined if it has no such form. */
export function readDigest(digest: string): Shown | undefined {
  const [leases, items, ...ofClasses] = digest.split(SEPARATOR);
  if (leases === undefined || items === undefined || !/^[0-9a-f.]*$/.test(items)) return undefined;
  const known = new Set(items.split('.'));
  const classes = new Map(ofClasses.map((each) => [each.slice(0, 12), each.slice(13)]));
  return {
    text: digest,
    leases: leases === '-' ? undefined : leases,
    classDigest: (name) => classes.get(short(name)),
    has: (text) => known.has(short(text)),
  };
}

/** Returns what a person has now, apart from leases, that was not shown: the service compares the leases itself. */
export const grownSince = (holdings: Holdings, shown: Shown): string[] =>
  itemsOf(holdings).flatMap(({ text, says }) => (shown.has(text) ? [] : [says]));

/** Returns what is left; empty if nothing belongs to the person any more. A stopped class has no leases left. */
export function leftIn(holdings: Holdings, { stops }: Pick<ClassPlan, 'stops'>): string[] {
  const { leases, keys = [], standing = [], answered = [], classes = [], unread } = holdings;
  const count = (n: number, what: string): string[] => (n === 0 ? [] : [`${n} ${n === 1 ? what : `${what}s`}`]);
  const leftOf = ({ name, leases: held }: OwnedClass): string[] => {
    if (!stops.has(name)) return [`class ${name} without another owner`];
    return count((held?.counts.grants ?? 0) + (held?.counts.pendingApprovals ?? 0), `lease or request of ${name}`);
  };
  return [
    ...count(leases?.counts.grants ?? 0, 'lease'),
    ...count(leases?.counts.pendingApprovals ?? 0, 'pending request'),
    ...keys.map(({ name }) => `key ${name}`),
    ...standing.map(({ id }) => `standing approval ${id}`),
    ...answered.map(({ id }) => `answer to ${id}`),
    ...classes.flatMap(leftOf),
    ...unread.map(({ part, why }) => `${part}: not known, ${why}`),
  ];
}

/** Returns what is left after steps: each that failed with its reason, then what else belongs to the person. */
export function leftAfter(
  steps: readonly { readonly part: string; readonly failed?: string }[],
  holdings: Holdings,
  plan: Pick<ClassPlan, 'stops'>,
): string[] {
  const failed = steps.filter((step) => step.failed !== undefined);
  const known = new Set(failed.map(({ part }) => part));
  return [
    ...failed.map(({ part, failed: why }) => `${part}: ${why}`),
    ...leftIn(holdings, plan).filter((each) => !known.has(each)),
  ];
}
