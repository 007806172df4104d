import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Inject, Injectable } from '@nestjs/common';
import { webhookSealingContext, type SealedWebhookSecret } from '@bailiwick/contracts/webhooks/webhook';
import { Sealer } from '@bailiwick/edge/sealing/sealing';
import { Networks } from '@bailiwick/platform/networks';
import { CONFIG, type GatewayConfig } from '../config';
import { Refused } from '../http/problems/problem';

/** What this installation admits as a webhook, and its signing secrets, which this service cannot read again. */
@Injectable()
export class WebhookSecrets {
  private sealer: Sealer | undefined;

  constructor(@Inject(CONFIG) private readonly config: Pick<GatewayConfig, 'files' | 'webhookNetworks'>) {}

  /**
   * Refuses what no attempt could reach. What a name resolves to is checked at each connection, by the ledger.
   * @throws Refused FORBIDDEN
   */
  admit(address: string): void {
    const url = new URL(address);
    const networks = new Networks(this.config.webhookNetworks);
    const refused = networks.refusedIn(url);
    if (refused !== undefined)
      throw new Refused(
        'FORBIDDEN',
        `${refused} is not in the public network: the operator allows its network with BAILIWICK_WEBHOOK_NETWORKS`,
      );
    if (url.protocol === 'https:') return;
    const host = url.hostname.replace(/^\[|\]$/g, '');
    if (!networks.isStated(host === 'localhost' ? '127.0.0.1' : host))
      throw new Refused(
        'FORBIDDEN',
        'the address must be https; http is for an address, stated as a number, in BAILIWICK_WEBHOOK_NETWORKS',
      );
  }

  /** @see Standard Webhooks, Symmetric secrets */
  make(): string {
    return `whsec_${randomBytes(32).toString('base64')}`;
  }

  /** Encrypts a secret for the ledger, bound to its tenant and webhook. @throws Refused NOT_READY without the key */
  seal(tenant: string, webhook: string, secret: string): SealedWebhookSecret {
    try {
      this.sealer ??= new Sealer(readFileSync(this.config.files.webhooksPublicKey, 'utf8'));
    } catch {
      throw new Refused(
        'NOT_READY',
        'this gateway has no keys/webhooks.pub.pem to encrypt secrets with; restart the installation, or repeat setup',
      );
    }
    return { sealed: this.sealer.seal(secret, webhookSealingContext(tenant, webhook)) };
  }
}
