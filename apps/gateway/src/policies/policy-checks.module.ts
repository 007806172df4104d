import { Module } from '@nestjs/common';
import { PolicyChecks } from './policy-checks';
import { PolicyVersions } from './policy-versions';

/** What finds and checks bundles, for the endpoints that take one. */
@Module({ providers: [PolicyChecks, PolicyVersions], exports: [PolicyChecks, PolicyVersions] })
export class PolicyChecksModule {}
