import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import { label } from '../actions/action';
import { consumed, COUNTERS, partialCaps, windows } from '../grants/grant';
import { name, position, ref, time } from '../primitives';

/** The name of a tenant budget. Bodies of events contain it, and are never erased: it must not name a person. */
export const budgetName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be 1–63 of a–z, 0–9, . _ and -, starting with a letter or a digit');

/** The caps of a tenant budget. A counter or a currency that is left out is not capped. */
export const tenantCaps = z
  .strictObject({ ...partialCaps, windows: windows.optional() })
  .refine((caps) => isCapped(caps) || (caps.windows ?? []).some(isCapped), {
    error: 'name at least one cap: calls, reads, writes, external, cost, units, or one of a window',
  });
export type TenantCaps = z.infer<typeof tenantCaps>;

function isCapped(
  caps: { readonly [K in (typeof COUNTERS)[number]]?: number | undefined } & {
    cost?: object | undefined;
    units?: object | undefined;
  },
) {
  const isNamed = (amounts: object = {}): boolean => Object.keys(amounts).length > 0;
  return COUNTERS.some((counter) => caps[counter] !== undefined) || isNamed(caps.cost) || isNamed(caps.units);
}

export const selectedByBudget = {
  /** the class of the root run */
  agentClass: name.optional(),
  /** a label of the action, from the catalog or from the caller */
  label: label.optional(),
};

/** The selector as stored: people by ref. All given members must match; without any, every action of the tenant does. */
export const storedBudgetSelector = z.strictObject({ principalRef: ref.optional(), ...selectedByBudget });
export type StoredBudgetSelector = z.infer<typeof storedBudgetSelector>;

export const tenantBudgetView = z.object({
  name: budgetName,
  selector: storedBudgetSelector.extend({
    /** null once erased */
    principal: z.string().nullable().optional(),
  }),
  budget: tenantCaps,
  /** reserved and committed amounts together, since the budget exists */
  consumed,
  reserved: consumed,
  /** the usage of each window that ends now, in the order of `budget.windows` */
  windows: z.array(z.object({ per: z.string(), consumed })),
  /** the actor of the last change */
  setBy: z.string().optional(),
  setAt: time,
  /** of the last change */
  position,
});
export type TenantBudgetView = z.infer<typeof tenantBudgetView>;

export const tenantBudgetSetAnswer = z.object({
  /** without its usage, which is read with GET */
  budget: tenantBudgetView.omit({ consumed: true, reserved: true, windows: true }),
  position,
});
export type TenantBudgetSet = z.infer<typeof tenantBudgetSetAnswer>;
export const tenantBudgetsAnswer = z.object({ items: z.array(tenantBudgetView).max(LIMITS.tenantBudgets) });
export const tenantBudgetRemovedAnswer = z.object({ removed: budgetName, position });
