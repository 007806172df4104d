import { Module } from '@nestjs/common';
import { Workloads } from '../auth/issuers/workloads';
import { LeaseRequests } from './lease-requests';

/** Provides requests for leases to the routes that make them. */
@Module({ providers: [LeaseRequests, Workloads], exports: [LeaseRequests] })
export class LeaseRequestsModule {}
