import { Module } from '@nestjs/common';
import { SsfStreamsController } from './ssf-streams.controller';

@Module({ controllers: [SsfStreamsController] })
export class SignalsModule {}
