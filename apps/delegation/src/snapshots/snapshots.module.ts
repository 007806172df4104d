import { Module } from '@nestjs/common';
import { OwnershipModule } from '../ownership/ownership.module';
import { SnapshotsService } from './snapshots.service';

@Module({ imports: [OwnershipModule], providers: [SnapshotsService] })
export class SnapshotsModule {}
