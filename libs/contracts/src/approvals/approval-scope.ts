import { z } from 'zod';

/** What one approval of a call covers: the exact call, once; its verb on its target; its verb in the run. */
export const APPROVAL_SCOPES = ['call', 'target', 'run'] as const;
export const approvalScope = z.enum(APPROVAL_SCOPES);
export type ApprovalScope = z.infer<typeof approvalScope>;
