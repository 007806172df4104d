/**
 * Versions of events. What is stored is never changed, and its hash is of the bytes that are stored; an event of an
 * older version is brought into today's form each time it is read. A body without `v` is of version 1.
 */

/** An event as its body was parsed, of any version. */
export type OldEvent = Readonly<Record<string, unknown>>;

/** Brings an event of one version into the form of the next. Pure; keeps the type, the place and whatever names it. */
export type Upcaster = (event: OldEvent) => OldEvent;

/** For each type the ways from its first version to its newest: the first is from version 1 to 2. */
export type Upcasters = Readonly<Record<string, readonly Upcaster[]>>;

/** Optional members were added: an event without them is of the next shape as it is. */
const asItIs: Upcaster = (event) => event;

/** The first release knew one meaning of a rule that names a tool: it ends the leases that could use it. */
const saysTarget: Upcaster = (event) => {
  const data = event.data as { selector?: { tool?: unknown } } | undefined;
  return data?.selector?.tool === undefined ? event : { ...event, data: { ...data, target: 'leases' } };
};

/**
 * Version 2: a resource selector may have `literal` (types that hold limits); what an outcome did not charge, when it is
 * due, and what a question's card shows are stated; of a rule, what becomes of a tool; of a decision, all its effects
 * and that the run states its call.
 */
export const UPCASTERS: Upcasters = {
  GrantIssued: [asItIs],
  ApprovalRequested: [asItIs],
  DelegationRefused: [asItIs],
  ApprovalExpired: [asItIs],
  ActionPermitted: [asItIs],
  ActionCompleted: [asItIs],
  ActionFailed: [asItIs],
  ActionAbandoned: [asItIs],
  RevocationRuleAdded: [saysTarget],
  ActionDenied: [asItIs],
  ActionStepUp: [asItIs],
};

/** The version in which events of a type are written today. */
export const versionOf = (type: string, upcasters: Upcasters = UPCASTERS): number =>
  1 + (Object.hasOwn(upcasters, type) ? (upcasters[type]?.length ?? 0) : 0);

/** The same as a body states it: version 1 is left out. */
export const statedVersion = (type: string): number | undefined => {
  const v = versionOf(type);
  return v === 1 ? undefined : v;
};

/**
 * A parsed body in today's form; what is no event comes back as it is, for its schema to refuse.
 * @throws where it is of a version that this release does not know: a log we cannot read is a log we must not act on (I11)
 */
export function upcast(raw: unknown, upcasters: Upcasters = UPCASTERS): unknown {
  const { type, v = 1 } = (raw ?? {}) as { type?: unknown; v?: unknown };
  if (typeof type !== 'string') return raw;
  const newest = versionOf(type, upcasters);
  if (v === newest) return raw;
  if (typeof v !== 'number' || !Number.isInteger(v) || v < 1 || v > newest)
    throw new Error(`${type} of version ${String(v)} is not known here; the newest is ${newest}`);
  const steps = upcasters[type]?.slice(v - 1) ?? [];
  return { ...steps.reduce((event, step) => step(event), raw as OldEvent), v: newest };
}
