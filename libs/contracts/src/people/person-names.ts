import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { name, ref, tenantName } from '../primitives';

/*
 * The names of people. Events name a person by a ref; the name is in one record per tenant and ref, outside the log, which
 * an erasure deletes. It is looked up when something is shown to a caller that may see it.
 */

/** By ref: the name of a person, or null if it was erased. A ref without a recorded name is left out. */
export const personNames = z.record(ref, z.string().max(LIMITS.nameLength).nullable());
export type PersonNames = Readonly<Record<string, string | null>>;

/** The names of the people in a response, for callers that may see them; left out if it names none. */
export const shownNames = { names: personNames.optional() };

/* Requests of the gateway to the delegation service: `bailiwick.admin.<name>`. */
export const personNamesRequest = z.strictObject({ tenant: tenantName, refs: z.array(ref).max(LIMITS.namesAtOnce) });
export const recordNamesRequest = z.strictObject({
  tenant: tenantName,
  people: z.array(z.strictObject({ ref, name })).min(1).max(LIMITS.namesAtOnce),
});

const REF = /\bref_[0-9a-z]{26}\b/g;

/** Lists the refs in a text, each once, at most `LIMITS.namesAtOnce`: of people, and of purposes, which have no names. */
export const refsIn = (text: string): string[] => [...new Set(text.match(REF))].slice(0, LIMITS.namesAtOnce);

/** Names a person as people read it. A ref whose name is not known stays as it is. */
export function nameOf(personRef: string, names: PersonNames): string {
  const found = Object.hasOwn(names, personRef) ? names[personRef] : undefined;
  // the start of the ref keeps two erased people apart
  return found === undefined ? personRef : (found ?? `erased person ${personRef.slice(0, 12)}…`);
}

/** Replaces the refs in a text of ours by names. */
export const withNamesIn = (text: string, names: PersonNames): string =>
  text.replace(REF, (found) => nameOf(found, names));

/** Members that name people, or are texts of ours about them. */
const ABOUT_PEOPLE = {
  also: true,
  approvedBy: true,
  approvers: true,
  asks: true,
  by: true,
  createdBy: true,
  decidedBy: true,
  detail: true,
  findings: true,
  people: true,
  requestedByStatedBy: true,
  says: true,
  setBy: true,
};

/**
 * Returns a copy of a view, of claims or of an actor with names in place of refs, for people to read. Only members that
 * name a person, and texts of ours, are replaced: a text of an agent stays as it was sent.
 */
export function named<T>(value: T, names: PersonNames): T {
  if (Object.keys(names).length === 0) return value;
  return mapped(value, (text) => withNamesIn(text, names), false) as T;
}

/** Lists the refs of people in the members of a view that name people, each once, at most `LIMITS.namesAtOnce`. */
export function refsAbout(value: unknown): string[] {
  const found = new Set<string>();
  const collect = (text: string): string => {
    for (const each of text.match(REF) ?? []) found.add(each);
    return text;
  };
  mapped(value, collect, false);
  return [...found].slice(0, LIMITS.namesAtOnce);
}

function mapped(value: unknown, change: (text: string) => string, isAbout: boolean): unknown {
  if (typeof value === 'string') return isAbout ? change(value) : value;
  if (Array.isArray(value)) return value.map((each) => mapped(each, change, isAbout));
  if (typeof value !== 'object' || value === null) return value;
  const isPerson = (value as { kind?: unknown }).kind === 'person';
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      mapped(each, change, Object.hasOwn(ABOUT_PEOPLE, key) || (isPerson && key === 'id')),
    ]),
  );
}
