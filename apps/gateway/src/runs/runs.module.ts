import { Module } from '@nestjs/common';
import { SearchModule } from '../search/search.module';
import { RunsController } from './runs.controller';
import { GrantsController } from './grants.controller';
import { PermissionsController } from './permissions.controller';
import { LeasesController } from './leases.controller';

@Module({
  imports: [SearchModule],
  controllers: [RunsController, GrantsController, LeasesController, PermissionsController],
})
export class RunsModule {}
