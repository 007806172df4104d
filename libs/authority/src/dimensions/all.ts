import { DIMENSIONS, type DimensionName, type Limits } from '@bailiwick/contracts/grant';
import type { Dimension, Violation } from './dimension';
import { actions } from './actions';
import { budget } from './budget';
import { delegation } from './delegation';
import { posture } from './posture';
import { purpose } from './purpose';
import { resources } from './resources';
import { risk } from './risk';
import { session } from './session';
import { time } from './time';

const TABLE: { readonly [K in DimensionName]: Dimension<Limits[K]> } = {
  time,
  session,
  purpose,
  actions,
  resources,
  budget,
  delegation,
  risk,
  posture,
};

/** A dimension of some limit: what belongs together is kept together by TABLE's type. */
type AnyDimension = Dimension<Limits[DimensionName]>;
const dimensionOf = (name: DimensionName): AnyDimension => TABLE[name];

/**
 * The dimensions in the order of DIMENSIONS; each is to be asked with `limits[dimension.name]`. Adding one is adding
 * its file, its name to DIMENSIONS and its line above.
 */
export const DIMENSION_TABLE = DIMENSIONS.map((name) => TABLE[name] as unknown as Dimension<never>);

/**
 * I1: everywhere that a child is wider than its parent. Empty: it is an attenuation. A child's limit that is not of its
 * form (made by hand, past the edge's checks) is wider than anything (I11), so that nothing below compares what it
 * cannot.
 */
export function attenuatesAll(child: Limits, parent: Limits): Violation[] {
  return DIMENSIONS.flatMap((name): Violation[] => {
    const dimension = dimensionOf(name);
    if (!dimension.schema.safeParse(child[name]).success) {
      const message = `its ${name} limit is not of the form of one`;
      return [{ dimension: name, path: name, parent: null, child: null, message }];
    }
    const result = dimension.attenuates(child[name], parent[name]);
    return result.ok ? [] : result.error;
  });
}

/** The tighter of both, in every dimension: admits nothing that one of them does not. */
export function meetAll(a: Limits, b: Limits): Limits {
  return Object.fromEntries(DIMENSIONS.map((name) => [name, dimensionOf(name).meet(a[name], b[name])])) as Limits;
}

/** One sentence per dimension, for consent cards and receipts. */
export function describeAll(limits: Limits): { dimension: DimensionName; text: string }[] {
  return DIMENSIONS.map((name) => ({ dimension: name, text: dimensionOf(name).describe(limits[name]) }));
}
