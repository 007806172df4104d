import type { Limits } from '@bailiwick/contracts/grants/grant';
import { namesVerb, type StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import { parseTime } from '@bailiwick/core/clock';
import { looksLike } from '@bailiwick/core/look-alike';
import { couldUse } from '../matching/could-use';
import { couldUseAny } from '../matching/could-use-any';

/** The subject of a selector: a grant and its run, or a grant about to be issued. */
export interface Subject {
  readonly agentClass: string;
  readonly agentInstance: string | undefined;
  readonly modelVersion: string | undefined;
  readonly environment: string | undefined;
  readonly imageDigest: string | undefined;
  readonly principalRef: string;
  readonly purposeRef: string;
  /** the person whose answer issued the grant */
  readonly approver: string | undefined;
  readonly treeId: string;
  /** of the run, ms */
  readonly startedAt: number;
  readonly limits: Limits;
}

/** The attributes that index a rule, the most selective first; other parts are not indexed. */
export const KEYS = [
  'treeId',
  'agentInstance',
  'principalRef',
  'purposeRef',
  'agentClass',
  'imageDigest',
  'modelVersion',
  'approver',
  'environment',
] as const;

/**
 * Checks that all given parts match. `Scraper` matches `scraper`, and every name that looks like it; below `not`, only
 * the name itself matches: in doubt, a lease is selected. `issuedBefore` at the top is not checked here, since it
 * defines the age of a rule (`isOlder`).
 */
export function selects(selector: StoredSelector, subject: Subject): boolean {
  return matches(selector, subject, ALIKE);
}

type Same = (wanted: string, has: string) => boolean;
const ALIKE: Same = (wanted, has) => wanted === has || looksLike(wanted, has);
const EXACTLY: Same = (wanted, has) => wanted === has;

function matches(selector: StoredSelector, subject: Subject, same: Same): boolean {
  for (const key of KEYS) {
    const wanted = selector[key];
    if (wanted === undefined) continue;
    const has = subject[key];
    if (has === undefined || !same(wanted, has)) return false;
  }
  const { tool, verb, resource, issuedAfter, all, any, not } = selector;
  return (
    (issuedAfter === undefined || subject.startedAt >= (parseTime(issuedAfter) ?? -Infinity)) &&
    (tool === undefined || couldUse(subject.limits, tool)) &&
    ((verb === undefined && resource === undefined) || couldUseAny(subject.limits, { verb, resource }, same)) &&
    (all === undefined || all.every((each) => within(each, subject, same))) &&
    (any === undefined || any.some((each) => within(each, subject, same))) &&
    (not === undefined || !within(not, subject, same === ALIKE ? EXACTLY : ALIKE))
  );
}

function within(selector: StoredSelector, subject: Subject, same: Same): boolean {
  const before = selector.issuedBefore === undefined ? undefined : parseTime(selector.issuedBefore);
  return (before === undefined || subject.startedAt < before) && matches(selector, subject, same);
}

/** Returns all parts of a selector except the tool and the verbs at its top. */
export const withoutVerb = ({ tool: _tool, verb: _verb, ...others }: StoredSelector): StoredSelector => others;

/** Reports whether a lease could use the tool, or one of the verbs, that a selector names at its top. */
export const couldUseNamed = ({ tool, verb, resource }: StoredSelector, limits: Limits): boolean =>
  (tool === undefined || couldUse(limits, tool)) && (verb === undefined || couldUseAny(limits, { verb, resource }));

/**
 * Returns the parts of a selector that do not change while a run lasts: what it selects at any time, these select. For a
 * reader that later checks more.
 */
export function lastingParts({
  all: _,
  any: __,
  not: ___,
  approver: ____,
  ...selector
}: StoredSelector): StoredSelector {
  const { resource: _____, ...rest } = namesVerb(selector) ? withoutVerb(selector) : selector;
  return rest;
}
