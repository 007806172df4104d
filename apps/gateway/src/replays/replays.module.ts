import { Module } from '@nestjs/common';
import { ReplaysController } from './replays.controller';

@Module({ controllers: [ReplaysController] })
export class ReplaysModule {}
