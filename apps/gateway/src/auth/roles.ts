/** What a caller may do. A person or a key may have several. */
export const ROLES = ['admin', 'orchestrator', 'enforcer', 'approver', 'responder', 'analyst'] as const;
export type Role = (typeof ROLES)[number];
