import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Answer } from '@bailiwick/contracts/commands/command';
import { logNameSchema, tenantName } from '@bailiwick/contracts/primitives';
import { ledgerSubject } from '@bailiwick/messaging/subjects';
import { z } from 'zod';
import { LogLedgers } from '../../follower/log-ledgers';
import { found, missing, refuse } from '../../rpc/answers';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';
import { LedgerStore } from '../store';
import { Rebuilds } from './rebuilds';

const rebuildQuery = z.strictObject({ tenant: tenantName, log: logNameSchema.optional() });
type RebuildQuery = z.infer<typeof rebuildQuery>;

/** Rebuilds the read models of a log while the current ones stay in use. */
@Controller()
export class RebuildController {
  constructor(
    private readonly ledgers: LogLedgers,
    private readonly store: LedgerStore,
    private readonly rebuilds: Rebuilds,
  ) {}

  @MessagePattern(ledgerSubject('rebuild'))
  async start(@Payload(new ZodPipe(rebuildQuery)) { tenant, log = `${tenant}/0` }: RebuildQuery): Promise<Answer> {
    if (!this.follows(tenant, log)) return missing(log);
    if (await this.rebuilds.start(log)) return found(await this.statusOf(log));
    return refuse(
      'CONFLICT',
      'a rebuild of the read models is running; request its status, and try again when it has ended',
    );
  }

  @MessagePattern(ledgerSubject('rebuild-status'))
  async status(@Payload(new ZodPipe(rebuildQuery)) { tenant, log = `${tenant}/0` }: RebuildQuery): Promise<Answer> {
    return this.follows(tenant, log) ? found(await this.statusOf(log)) : missing(log);
  }

  private follows(tenant: string, log: string): boolean {
    return log.startsWith(`${tenant}/`) && this.ledgers.has(log);
  }

  private async statusOf(log: string): Promise<object> {
    const head = this.ledgers.get(log)?.position ?? 0;
    return { log, head, ...((await this.store.rebuildStatus(log)) ?? { state: 'never', position: 0 }) };
  }
}
