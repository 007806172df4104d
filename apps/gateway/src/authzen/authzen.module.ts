import { Module } from '@nestjs/common';
import { ActionDecisionsModule } from '../actions/action-decisions.module';
import { AuthzenController } from './authzen.controller';

@Module({ imports: [ActionDecisionsModule], controllers: [AuthzenController] })
export class AuthzenModule {}
