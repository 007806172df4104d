import { Module } from '@nestjs/common';
import { SearchModule } from '../search/search.module';
import { LeaseRequestsModule } from './lease-requests.module';
import { RunsController } from './runs.controller';
import { GrantsController } from './grants.controller';
import { PermissionsController } from './permissions.controller';
import { LeasesController } from './leases.controller';

@Module({
  imports: [SearchModule, LeaseRequestsModule],
  controllers: [RunsController, GrantsController, LeasesController, PermissionsController],
})
export class RunsModule {}
