import { Module } from '@nestjs/common';
import { OwnershipModule } from '../ownership/ownership.module';
import { KeysController } from './keys.controller';

@Module({ imports: [OwnershipModule], controllers: [KeysController] })
export class KeysModule {}
