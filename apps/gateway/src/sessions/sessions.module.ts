import { Module } from '@nestjs/common';
import { CodeSignIn } from './code-sign-in';
import { ConsoleSignInController } from './console-sign-in.controller';
import { SessionController } from './session.controller';
import { SessionRecords } from './session-records';
import { SessionLinksController } from './session-links.controller';

@Module({
  controllers: [SessionController, ConsoleSignInController, SessionLinksController],
  providers: [CodeSignIn, SessionRecords],
})
export class SessionsModule {}
