export const budgets = {
  title: 'Budgets',
  lead: 'Caps that all matching runs of the tenant draw from together.',
  emptyTitle: 'No budget is set',
  empty: 'Set one with PUT /v1/budgets/{name}: for a person, a class of agents, or everything.',
  everything: 'everything',
} as const;
