import type { TenantBudgetSet, TenantBudgetView } from '@bailiwick/contracts/budgets/tenant-budget';
import type { TenantBudgetBody } from '@bailiwick/contracts/http/bodies';
import type {
  PolicyAnswer,
  PolicyCheckAnswer,
  PolicyDeployedAnswer,
  PolicyVersionsAnswer,
} from '@bailiwick/contracts/policy/deployment';
import type { PolicyDiffAnswer, PolicyDiffBody } from '@bailiwick/contracts/policy/policy-diff';
import type { RehearsalBody, ResponderRehearsal } from '@bailiwick/contracts/policy/responder-rehearsal';
import type { PolicySignals } from '@bailiwick/contracts/policy/policy-signals';
import type { ReplayProgress } from '@bailiwick/contracts/replay/replay';
import { queryOf } from '../http/http-calls';
import { LeaseCalls } from './lease-calls';

type Files = Readonly<Record<string, string>>;

/** Sets the budgets and the policy of a tenant. */
export class PolicyCalls extends LeaseCalls {
  /** Sets caps that all matching runs draw from together. A changed budget keeps its usage. */
  setBudget(name: string, body: TenantBudgetBody): Promise<TenantBudgetSet> {
    return this.put(`/v1/budgets/${encodeURIComponent(name)}`, body);
  }
  budgets(): Promise<{ items: TenantBudgetView[] }> {
    return this.get('/v1/budgets');
  }
  budget(name: string): Promise<TenantBudgetView> {
    return this.get(`/v1/budgets/${encodeURIComponent(name)}`);
  }
  removeBudget(name: string): Promise<{ removed: string; position: number }> {
    return this.delete(`/v1/budgets/${encodeURIComponent(name)}`);
  }
  /**
   * Checks a bundle, the texts of YAML files by their names, and deploys it in place of the version in force.
   * @param shadowUntil RFC 3339: only compares it until then
   */
  deployPolicy(bundle: Files, replaces: number, shadowUntil?: string): Promise<PolicyDeployedAnswer> {
    const mode = shadowUntil === undefined ? undefined : 'shadow';
    return this.post('/v1/policies', { bundle, replaces, mode, until: shadowUntil });
  }
  /** Lists the deployed policies, newest first. @param cursor `next` of the previous page */
  policies(cursor?: string): Promise<PolicyVersionsAnswer> {
    return this.get(`/v1/policies${queryOf({ cursor })}`);
  }
  /** Returns a version of the policy with its bundle. @param version 0: of the release; left out: the one in force */
  policy(version?: number): Promise<PolicyAnswer> {
    return this.get(`/v1/policies/${version ?? 'current'}`);
  }
  /** Returns the problems of a bundle, and deploys nothing. */
  checkPolicy(bundle: Files): Promise<PolicyCheckAnswer> {
    return this.post('/v1/policies/check', { bundle });
  }
  /** Compares a bundle with a deployed policy and with the last decisions. It may take a minute. */
  diffPolicy(request: PolicyDiffBody, progress?: (progress: ReplayProgress) => void): Promise<PolicyDiffAnswer> {
    return this.computed('/v1/policies/diff', request, progress);
  }
  /** Returns what responders would have done over the recorded log. It may take a minute. */
  rehearseResponders(
    request: RehearsalBody,
    progress?: (progress: ReplayProgress) => void,
  ): Promise<ResponderRehearsal> {
    return this.computed('/v1/policies/responders', request, progress);
  }
  /** Returns what answers and denials suggest. @param since RFC 3339; left out: the last seven days */
  policySignals(since?: string, log?: string): Promise<PolicySignals> {
    return this.get(`/v1/policies/signals${queryOf({ since, log })}`);
  }
}
