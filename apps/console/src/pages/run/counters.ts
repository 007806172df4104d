/** The counted members of a budget, as in `limits.budget`. */
export const COUNTER_NAMES = ['calls', 'reads', 'writes', 'external'] as const;
export type CounterName = (typeof COUNTER_NAMES)[number];
