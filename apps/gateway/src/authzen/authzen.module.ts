import { Module } from '@nestjs/common';
import { ActionsModule } from '../actions/actions.module';
import { AuthzenController } from './authzen.controller';

@Module({ imports: [ActionsModule], controllers: [AuthzenController] })
export class AuthzenModule {}
