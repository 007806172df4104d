import { Module } from '@nestjs/common';
import { PoliciesController } from './policies.controller';
import { PolicyChecks } from './policy-checks';

@Module({ controllers: [PoliciesController], providers: [PolicyChecks] })
export class PoliciesModule {}
