import { Module } from '@nestjs/common';
import { WebhookAttempts } from './webhook-attempts';
import { WebhookSender } from './webhook-sender';
import { WebhooksController } from './webhooks.controller';

@Module({ controllers: [WebhooksController], providers: [WebhookAttempts, WebhookSender] })
export class WebhooksModule {}
