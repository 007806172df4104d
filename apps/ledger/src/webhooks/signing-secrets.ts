import { readFileSync, statSync } from 'node:fs';
import { webhookSealingContext } from '@bailiwick/contracts/webhooks/webhook';
import { parseTime } from '@bailiwick/core/clock';
import { Opener } from '@bailiwick/edge/sealing/sealing';
import type { WebhookTarget } from '@bailiwick/event-store/postgres/webhook-deliveries';

/** The signing secrets of webhooks, which the gateway encrypted for this service. */
export class SigningSecrets {
  private opener: Opener | undefined;

  constructor(private readonly file: string) {}

  /** @throws Error if the key that secrets are encrypted for is missing, or accessible to others */
  key(): Opener {
    if (this.opener) return this.opener;
    const { mode } = statSync(this.file);
    if (process.platform !== 'win32' && (mode & 0o077) !== 0)
      throw new Error(`${this.file} is accessible to others; restrict it with \`chmod 600 ${this.file}\``);
    return (this.opener = new Opener(readFileSync(this.file, 'utf8')));
  }

  /**
   * Returns the secrets of a webhook that sign now, the newest first.
   * @throws Error if one was encrypted for another key, tenant or name
   */
  of({ tenant, name, secrets }: Pick<WebhookTarget, 'tenant' | 'name' | 'secrets'>, now: number): string[] {
    const context = webhookSealingContext(tenant, name);
    return secrets
      .filter(({ until }) => until === undefined || (parseTime(until) ?? 0) > now)
      .map(({ sealed }) => this.key().open(sealed, context));
  }
}
