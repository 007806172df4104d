import { Controller } from '@nestjs/common';
import { z } from 'zod';
import { policyBody, type PolicyBody } from '@bailiwick/contracts/http/bodies';
import {
  policyAnswer,
  policyCheckAnswer,
  policyCheckBody,
  policyDeployedAnswer,
  policyVersionsAnswer,
  type PolicyAnswer,
  type PolicyCheckAnswer,
  type PolicyCheckBody,
} from '@bailiwick/contracts/policy/deployment';
import { logName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { PersonNames } from '../auth/person-names';
import { ROLES } from '../auth/roles';
import { Body, Ctx, Endpoint, Params, Query } from '../http/endpoints/endpoint';
import type { RequestContext } from '../http/request-context';
import { wholeNumber } from '../http/whole-number';
import { LogClient } from '../log-client/log-client';
import { PolicyChecks } from './policy-checks';
import { PolicyVersions } from './policy-versions';

const versionParam = z.strictObject({ version: wholeNumber(0) });
type VersionParam = z.infer<typeof versionParam>;
const listQuery = z.strictObject({
  limit: wholeNumber(1, LIMITS.policy.versionsKept).optional(),
  /** `next` of the previous page */
  cursor: wholeNumber(1).optional(),
});
type ListQuery = z.infer<typeof listQuery>;

/** The policies of a tenant: bundles that state what verbs mean. They are in the log in which its runs are opened. */
@Controller()
export class PoliciesController {
  constructor(
    private readonly logClient: LogClient,
    private readonly checks: PolicyChecks,
    private readonly versions: PolicyVersions,
    private readonly names: PersonNames,
  ) {}

  @Endpoint({
    method: 'POST',
    path: '/v1/policies',
    summary:
      'Check a policy bundle, run its tests and deploy it in place of the version in force; or compare it until a time (mode shadow)',
    roles: ['admin'],
    takesBytes: LIMITS.policy.httpBodyBytes,
    answer: policyDeployedAnswer,
    status: 201,
  })
  async deploy(@Ctx() context: RequestContext, @Body(policyBody) body: PolicyBody): Promise<unknown> {
    const { bundle, replaces, until } = body;
    const { canonical, digest, people } = await this.checks.check(context.caller.tenant, bundle);
    this.names.record(context.caller.tenant, people);
    const shadow = until === undefined ? {} : { shadowUntil: until };
    const fields = { replaces, digest, bundle: canonical, ...shadow };
    return this.logClient.command(context.command('deployPolicy', logName(context.caller.tenant, 0), fields));
  }

  @Endpoint({
    method: 'POST',
    path: '/v1/policies/check',
    summary: 'Check a policy bundle and run its tests, without deploying it',
    roles: ['admin', 'analyst'], // the checks of all tenants share one thread at a time
    takesBytes: LIMITS.policy.httpBodyBytes,
    answer: policyCheckAnswer,
  })
  check(
    @Ctx() { caller }: RequestContext,
    @Body(policyCheckBody) { bundle }: PolicyCheckBody,
  ): Promise<PolicyCheckAnswer> {
    return this.checks.report(caller.tenant, bundle);
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/policies',
    summary: 'The deployed policies, newest first, and the version in force',
    roles: ROLES,
    answer: policyVersionsAnswer,
  })
  async list(@Ctx() { caller }: RequestContext, @Query(listQuery) { limit, cursor }: ListQuery): Promise<unknown> {
    const query = { op: 'policies', log: logName(caller.tenant, 0), limit, before: cursor } as const;
    return this.names.shown(caller, await this.logClient.query<object>(query));
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/policies/current',
    summary: 'The policy in force, with its bundle',
    roles: ROLES,
    answer: policyAnswer,
  })
  async current(@Ctx() { caller }: RequestContext): Promise<PolicyAnswer> {
    return this.names.shown(caller, await this.versions.find(caller.tenant, undefined));
  }

  @Endpoint({
    method: 'GET',
    path: '/v1/policies/:version',
    summary: 'A version of the policy, with its bundle; 0 is the one that the release ships',
    roles: ROLES,
    answer: policyAnswer,
  })
  async get(@Ctx() { caller }: RequestContext, @Params(versionParam) { version }: VersionParam): Promise<PolicyAnswer> {
    return this.names.shown(caller, await this.versions.find(caller.tenant, version));
  }
}
