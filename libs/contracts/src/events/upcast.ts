/**
 * Versions of events. A stored event never changes, and its hash covers the stored bytes; an event of an older version
 * is converted to the current form each time it is read. A body without `v` is of version 1.
 */

/** A parsed event of any version. */
export type OldEvent = Readonly<Record<string, unknown>>;

/**
 * Converts an event to the next version. Pure; keeps the type, the position and everything that identifies the event.
 */
export type Upcaster = (event: OldEvent) => OldEvent;

/** The conversions of each type from its first version to its newest: the first is from version 1 to 2. */
export type Upcasters = Readonly<Record<string, readonly Upcaster[]>>;

/** Only optional members were added: an event without them already has the next shape. */
const asItIs: Upcaster = (event) => event;

/** In the first release, every rule that names a tool ends the leases that could use it. */
const withTarget: Upcaster = (event) => {
  const data = event.data as { selector?: { tool?: unknown } } | undefined;
  return data?.selector?.tool === undefined ? event : { ...event, data: { ...data, target: 'leases' } };
};

/**
 * Version 2 adds: `literal` in a resource selector (types that hold limits); the uncharged part and the deadline of an
 * outcome; the objections on an approval request's card; the target of a rule that names a tool; all effects of a
 * decision, and whether the run states its call. Version 3 adds exceptions of selectors, further operators of conditions,
 * and attributes that are lists. The versions after it add the optional parts of a lease that `docs/leases.md`
 * describes, and what they charge. `ApprovalGiven` 2 adds the limits of an approval with less.
 */
export const UPCASTERS: Upcasters = {
  GrantIssued: [asItIs, asItIs, asItIs],
  ApprovalRequested: [asItIs, asItIs, asItIs],
  DelegationRefused: [asItIs, asItIs, asItIs],
  ApprovalGiven: [asItIs],
  ApprovalExpired: [asItIs],
  ActionPermitted: [asItIs, asItIs, asItIs],
  ActionCompleted: [asItIs, asItIs],
  ActionFailed: [asItIs, asItIs],
  ActionAbandoned: [asItIs, asItIs],
  OutcomeReportedLate: [asItIs],
  RevocationRuleAdded: [withTarget],
  ActionDenied: [asItIs, asItIs, asItIs],
  ActionStepUp: [asItIs, asItIs, asItIs],
};

/** Returns the version in which events of a type are written today. */
export const versionOf = (type: string, upcasters: Upcasters = UPCASTERS): number =>
  1 + (Object.hasOwn(upcasters, type) ? (upcasters[type]?.length ?? 0) : 0);

/** Returns the version as a body states it: undefined for version 1. */
export const statedVersion = (type: string): number | undefined => {
  const v = versionOf(type);
  return v === 1 ? undefined : v;
};

/**
 * Converts a parsed body to the current form. A value that is not an event is returned as it is, for its schema to
 * refuse.
 * @throws if this release does not know its version: the system must not act on a log that it cannot read (I11)
 */
export function upcast(raw: unknown, upcasters: Upcasters = UPCASTERS): unknown {
  const { type, v = 1 } = (raw ?? {}) as { type?: unknown; v?: unknown };
  if (typeof type !== 'string') return raw;
  const newest = versionOf(type, upcasters);
  if (v === newest) return raw;
  if (typeof v !== 'number' || !Number.isInteger(v) || v < 1 || v > newest)
    throw new Error(`${type} version ${String(v)} is unknown; the newest is ${newest}`);
  const steps = upcasters[type]?.slice(v - 1) ?? [];
  return { ...steps.reduce((event, step) => step(event), raw as OldEvent), v: newest };
}
