import { Module } from '@nestjs/common';
import { OwnershipModule } from '../ownership/ownership.module';
import { KeyRecords } from './key-records';
import { KeysController } from './keys.controller';

@Module({ imports: [OwnershipModule], controllers: [KeysController], providers: [KeyRecords] })
export class KeysModule {}
