import { Module } from '@nestjs/common';
import { WebhookAttempts } from './webhook-attempts';
import { WebhookMessages } from './webhook-messages';
import { WebhookSender } from './webhook-sender';
import { WebhooksController } from './webhooks.controller';

@Module({ controllers: [WebhooksController], providers: [WebhookAttempts, WebhookMessages, WebhookSender] })
export class WebhooksModule {}
