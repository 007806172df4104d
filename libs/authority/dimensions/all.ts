import { DIMENSIONS, type DimensionName, type Limits } from '#contracts/grant';
import type { Dimension, Violation } from '../dimension';
import { actions } from './actions';
import { budget } from './budget';
import { delegation } from './delegation';
import { posture } from './posture';
import { purpose } from './purpose';
import { resources } from './resources';
import { risk } from './risk';
import { session } from './session';
import { time } from './time';

const TABLE: { [K in DimensionName]: Dimension<Limits[K]> } = { time, session, purpose, actions, resources, budget, delegation, risk, posture };

/** Adding a dimension is adding its file, its name to DIMENSIONS, and its line here. */
export const DIMENSION_TABLE = DIMENSIONS.map((name) => TABLE[name] as unknown as Dimension<never>);

/** I1: everywhere that a child is wider than its parent. Empty: it is an attenuation. */
export function attenuatesAll(child: Limits, parent: Limits): Violation[] {
  return DIMENSIONS.flatMap((name) => {
    const result = (TABLE[name] as Dimension<unknown>).attenuates(child[name], parent[name]);
    return result.ok ? [] : result.error;
  });
}

export function meetAll(a: Limits, b: Limits): Limits {
  return Object.fromEntries(DIMENSIONS.map((name) => [name, (TABLE[name] as Dimension<unknown>).meet(a[name], b[name])])) as Limits;
}

/** One sentence per dimension, for consent cards and receipts. */
export function describeAll(limits: Limits): { dimension: DimensionName; text: string }[] {
  return DIMENSIONS.map((name) => ({ dimension: name, text: (TABLE[name] as Dimension<unknown>).describe(limits[name]) }));
}
