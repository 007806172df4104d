import { Module } from '@nestjs/common';
import { WebhookSecrets } from './webhook-secrets';
import { WebhooksController } from './webhooks.controller';

@Module({ controllers: [WebhooksController], providers: [WebhookSecrets] })
export class WebhooksModule {}
