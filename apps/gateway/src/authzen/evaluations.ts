import { Injectable } from '@nestjs/common';
import type { ActionAnswer } from '@bailiwick/contracts/actions/action';
import { ActionDecisions } from '../actions/action-decisions';
import type { RequestContext } from '../http/request-context';
import { DryRuns } from '../reporting/dry-runs';
import type { Evaluation } from './evaluation';

type Call = Evaluation['request'];

/** A decision, and the lease that it was made under. */
export interface Tried {
  readonly grantId: string;
  readonly answer: ActionAnswer;
}

/** Decides evaluations under the leases of their subjects. */
@Injectable()
export class Evaluations {
  constructor(
    private readonly decisions: ActionDecisions,
    private readonly dryRuns: DryRuns,
  ) {}

  /**
   * Decides a call and charges it. Of several leases the one counts that permits it, otherwise the first that would ask a
   * person; only that one is charged.
   */
  async decide(context: RequestContext, leases: readonly string[], call: Call, part?: string): Promise<Tried> {
    const [only = ''] = leases;
    const grantId = leases.length === 1 ? only : (await this.tryOut(context, leases, call, part)).grantId;
    return { grantId, answer: await this.decisions.decide(context, { ...call, grantId }, part) };
  }

  /** Decides a call without an effect, as `decide` would. */
  async tryOut(context: RequestContext, leases: readonly string[], call: Call, part?: string): Promise<Tried> {
    const tried: Tried[] = [];
    for (const grantId of leases) {
      const { answer, commandId } = await this.decisions.decideDry(context, { ...call, grantId }, part);
      this.dryRuns.note(context.caller, { grantId, commandId }, answer.decision);
      tried.push({ grantId, answer });
      if (answer.decision === 'permit') break;
    }
    const best = (decision: ActionAnswer['decision']) => tried.find(({ answer }) => answer.decision === decision);
    return best('permit') ?? best('step-up') ?? (tried[0] as Tried);
  }
}
