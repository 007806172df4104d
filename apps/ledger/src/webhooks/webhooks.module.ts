import { Module } from '@nestjs/common';
import { FollowerModule } from '../follower/follower.module';
import { RequestEnds } from './request-ends';
import { WebhookAttempts } from './webhook-attempts';
import { WebhookMessages } from './webhook-messages';
import { WebhookSender } from './webhook-sender';
import { WebhooksController } from './webhooks.controller';

@Module({
  imports: [FollowerModule],
  controllers: [WebhooksController],
  providers: [RequestEnds, WebhookAttempts, WebhookMessages, WebhookSender],
})
export class WebhooksModule {}
