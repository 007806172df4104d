import type { ActionAnswer, ActionRequest, OutcomeRequest } from '@bailiwick/contracts/actions/action';
import { obligationName, REPORT_OUTCOME } from '@bailiwick/contracts/obligations/obligation';
import type { Problem } from '@bailiwick/contracts/reason';

/**
 * The obligations that an enforcement point applies to what is permitted, by their names: `remove_fields`, `redact`,
 * `max_rows`, `watermark`, `custom:<name>`. `all`: it compares the obligations of each permit itself. Left out: none.
 */
export type Understands = readonly string[] | 'all' | undefined;

/** Returns the names of the obligations of a permit that an enforcement point does not apply. An unknown form is one. */
export function notUnderstood(
  { obligations }: Pick<ActionAnswer, 'obligations'>,
  understands: readonly string[],
): string[] {
  const names = obligations.map((each) => (typeof each === 'string' ? each : obligationName(each)));
  return [...new Set(names)].filter((name) => name !== REPORT_OUTCOME && !understands.includes(name));
}

/** With the obligations that the caller applies the service decides what it cannot apply as a denial, uncharged. */
export const stating = (body: ActionRequest, understands: Understands): ActionRequest =>
  understands === undefined || understands === 'all' || body.understands !== undefined
    ? body
    : { ...body, understands: [...understands] };

/** Reports outcomes. */
interface Settling {
  settle(actionId: string, outcome: OutcomeRequest): Promise<unknown>;
}

/** Returns a permit that the caller cannot apply as a denial, and reports that its call is not made. */
export async function applied<T extends ActionAnswer | { error: Problem }>(
  answer: T,
  understands: Understands,
  service: Settling,
): Promise<T> {
  if ('error' in answer || answer.decision !== 'permit' || understands === 'all') return answer;
  const unknown = notUnderstood(answer, understands ?? []);
  if (unknown.length === 0) return answer;
  await service.settle(answer.actionId, { status: 'failed' });
  return {
    ...answer,
    decision: 'deny',
    obligations: [],
    reasons: [
      {
        rule: 'obligations',
        outcome: 'deny',
        code: 'OBLIGATION_NOT_UNDERSTOOD',
        message: `the permit obliges to ${unknown.join(', ')}, which this enforcement point does not apply`,
      },
    ],
  };
}
