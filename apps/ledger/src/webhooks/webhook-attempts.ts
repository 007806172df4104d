import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { systemClock } from '@bailiwick/core/clock';
import type { WebhookTarget } from '@bailiwick/event-store/postgres/webhook-deliveries';
import type { Config } from '@bailiwick/platform/config';
import { Networks } from '@bailiwick/platform/networks';
import { Outbound } from '@bailiwick/platform/outbound/outbound';
import { CONFIG } from '../connections/tokens';
import { attemptDelivery } from './endpoint';
import type { Attempt } from './progress';
import type { WebhookMessage } from './signature';
import { SigningSecrets } from './signing-secrets';
import { Slots } from './slots';

const NOT_STARTED: Attempt = {
  delivered: false,
  error: 'too many other attempts of the tenant are waiting; try again',
};

/** Makes the attempts: of events, of tests and of what is delivered again, with the same limits for all. */
@Injectable()
export class WebhookAttempts implements OnApplicationShutdown {
  private readonly networks: Networks;
  private readonly outbound: Outbound;
  private readonly slots = new Slots();
  readonly secrets: SigningSecrets;

  constructor(@Inject(CONFIG) { webhookNetworks, files }: Pick<Config, 'webhookNetworks' | 'files'>) {
    this.networks = new Networks(webhookNetworks);
    this.outbound = new Outbound(this.networks, { setting: 'BAILIWICK_WEBHOOK_NETWORKS' });
    this.secrets = new SigningSecrets(files.webhooksKey);
  }

  /** @param signal ends the wait for a slot, and the attempt */
  async attempt(target: WebhookTarget, message: WebhookMessage, signal: AbortSignal): Promise<Attempt> {
    return (await this.slots.run(target.tenant, () => this.now(target, message, signal), signal)) ?? NOT_STARTED;
  }

  private now(target: WebhookTarget, message: WebhookMessage, signal: AbortSignal): Promise<Attempt> {
    let secrets: string[];
    try {
      secrets = this.secrets.of(target, systemClock.now());
    } catch {
      return Promise.resolve({ delivered: false, error: 'its secret cannot be decrypted; rotate it' });
    }
    return attemptDelivery(this.outbound, this.networks, target.url, secrets, message, signal);
  }

  onApplicationShutdown(): void {
    this.outbound.close();
  }
}
