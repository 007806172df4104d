import { Module } from '@nestjs/common';
import { RebuildsController } from './rebuilds.controller';

@Module({ controllers: [RebuildsController] })
export class RebuildsModule {}
