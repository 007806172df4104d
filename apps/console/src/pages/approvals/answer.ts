import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ApprovalView } from '@bailiwick/contracts/queries/query';
import { post, Problem } from '../../api/client';

export type Scope = 'call' | 'target' | 'run';
export const SCOPES: readonly Scope[] = ['call', 'target', 'run'];

/** The body of a decision. `grant`: the lease with less than was asked for. */
export interface Answer {
  readonly verdict: 'approve' | 'deny';
  readonly note?: string;
  readonly scope?: Scope;
  readonly grant?: unknown;
}
export interface Answered {
  /** `gone`: another person was faster */
  readonly verdict: Answer['verdict'] | 'gone';
  readonly asks: string;
}

/** Sends the answer to an approval. */
export function useAnswer(approval: ApprovalView, onAnswered: (answered: Answered) => void) {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: (answer: Answer) => post(`/v1/approvals/${approval.id}/decision`, answer),
    onSuccess: (_value, { verdict }) => onAnswered({ verdict, asks: approval.asks }),
    onError: (error) => {
      if (error instanceof Problem && error.code === 'ALREADY_DECIDED')
        onAnswered({ verdict: 'gone', asks: approval.asks });
    },
    onSettled: () => queries.invalidateQueries({ queryKey: ['approvals'] }),
  });
}
