import { Module } from '@nestjs/common';
import { FollowerModule } from '../follower/follower.module';
import { VerificationController } from './verification.controller';

@Module({ imports: [FollowerModule], controllers: [VerificationController] })
export class VerificationModule {}
