import { DIMENSIONS, type DimensionName, type Limits } from '@bailiwick/contracts/grants/grant';
import type { Dimension, Violation } from './dimension';
import { actions } from './actions';
import { budget } from './budget';
import { delegation } from './delegation';
import { deny } from './denied-pairs';
import { obligations } from './obligations';
import { permissions } from './permissions';
import { posture } from './posture';
import { purpose } from './purpose';
import { resources } from './resources';
import { risk } from './risk';
import { session } from './session';
import { GAINS_STAGES, gainsStages, readsStages, withStages } from './stages';
import { time } from './time';

const TABLE: { readonly [K in DimensionName]: Dimension<Limits[K]> } = {
  time,
  session,
  purpose,
  actions,
  resources,
  permissions,
  deny,
  budget,
  delegation,
  risk,
  posture,
  obligations,
};

/** A dimension of any limit. The type of TABLE ensures that each name has its own limit. */
type AnyDimension = Dimension<Limits[DimensionName]>;
const dimensionOf = (name: DimensionName): AnyDimension => TABLE[name];

/**
 * The dimensions in the order of DIMENSIONS; pass each its `limits[dimension.name]`. To add a dimension, add its file,
 * its name in DIMENSIONS and its line above.
 */
export const DIMENSION_TABLE = DIMENSIONS.map((name) => TABLE[name] as unknown as Dimension<never>);

/**
 * I1: returns every place where a child is wider than its parent; an empty list means that it is an attenuation. A
 * child's limit with an invalid form (made by hand, without the checks at the edge) is wider than anything (I11), so
 * the comparisons below only receive valid limits.
 */
export function attenuatesAll(child: Limits, parent: Limits, effort?: number): Violation[] {
  const found = DIMENSIONS.flatMap((name): Violation[] => {
    const dimension = dimensionOf(name);
    if (!dimension.schema.safeParse(child[name]).success) {
      const message = `its ${name} limit is not of the form of one`;
      return [{ dimension: name, path: name, parent: null, child: null, message }];
    }
    const result = dimension.attenuates(child[name], parent[name], effort);
    return result.ok ? [] : result.error;
  });
  return gainsStages(child, parent) ? [...found, GAINS_STAGES] : found;
}

/** Returns the tighter of both limits in every dimension: admits only actions that both admit. */
export function meetAll(a: Limits, b: Limits): Limits {
  const met = DIMENSIONS.map((name) => [name, dimensionOf(name).meet(a[name], b[name])] as const);
  const limits = Object.fromEntries(met.filter(([, limit]) => limit !== undefined)) as Limits;
  return withStages(limits, readsStages(a) && readsStages(b));
}

/** Describes each dimension that is limited in one sentence, for consent cards and receipts. */
export function describeAll(limits: Limits): { dimension: DimensionName; text: string }[] {
  const held = DIMENSIONS.filter((name) => limits[name] !== undefined);
  const stages = limits.actions.stages === true;
  return held.map((name) => ({ dimension: name, text: dimensionOf(name).describe(limits[name], stages) }));
}
