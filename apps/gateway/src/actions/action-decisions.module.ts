import { Module } from '@nestjs/common';
import { ActionDecisions } from './action-decisions';

/** Provides decisions on actions to the routes that ask for them. */
@Module({ providers: [ActionDecisions], exports: [ActionDecisions] })
export class ActionDecisionsModule {}
