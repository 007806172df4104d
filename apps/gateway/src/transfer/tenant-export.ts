import { once } from 'node:events';
import { Injectable } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { ExportHeader } from '@bailiwick/contracts/transfer/export';
import { rfc3339, systemClock } from '@bailiwick/core/clock';
import { LIMITS } from '@bailiwick/core/limits';
import { Pseudonyms } from '../auth/pseudonyms';
import { ConcurrencyLimiter } from '@bailiwick/edge/concurrency-limiter';
import { NDJSON } from '../http/responses/ndjson';
import { LogClient } from '../log-client/log-client';

const PAGE_MS = 30_000;

interface Lines {
  readonly text: string;
  readonly next: number;
  readonly payloads: number;
}

/** Exports whole tenants. */
@Injectable()
export class TenantExport {
  private readonly limiter = new ConcurrencyLimiter(LIMITS.exports, 1, 'exports');

  constructor(
    private readonly logClient: LogClient,
    private readonly pseudonyms: Pseudonyms,
  ) {}

  /**
   * Writes a tenant's events up to its heads at the start. One page is held in memory; the next is read after the client
   * has taken it. A response without the last line is incomplete.
   * @throws Refused before the response starts: TOO_MANY, or the refusal of the ledger
   */
  async stream(tenant: string, reply: FastifyReply): Promise<void> {
    const release = this.limiter.take(tenant);
    try {
      const logs = await this.logClient.ledger<ExportHeader['logs']>('export-heads', { tenant });
      const { raw } = reply.hijack();
      raw.writeHead(200, { 'content-type': NDJSON, 'cache-control': 'no-store' });
      await this.write(tenant, logs, raw).catch(() => raw.destroy());
    } finally {
      release();
    }
  }

  private async write(tenant: string, logs: ExportHeader['logs'], raw: FastifyReply['raw']): Promise<void> {
    const header: ExportHeader = {
      bailiwick: 'export',
      version: 1,
      tenant,
      made: rfc3339(systemClock.now()),
      pseudonyms: this.pseudonyms.fingerprint,
      logs,
    };
    raw.write(`${JSON.stringify(header)}\n`);
    const counts = { events: 0, payloads: 0 };
    for (const { log, size } of logs) await this.writeLog(tenant, log, size, raw, counts);
    const heads = logs.map(({ log, size, root }) => ({ log, size, root }));
    raw.end(`${JSON.stringify({ end: true, ...counts, logs: heads })}\n`);
  }

  private async writeLog(
    tenant: string,
    log: string,
    size: number,
    raw: FastifyReply['raw'],
    counts: { events: number; payloads: number },
  ): Promise<void> {
    for (let from = 0; from < size && !raw.destroyed;) {
      const page = await this.logClient.ledger<Lines>('export-lines', { tenant, log, from, to: size }, PAGE_MS);
      if (page.next === from) throw new Error(`${log} ends at ${from}, and its head has ${size} events`);
      counts.events += page.next - from;
      counts.payloads += page.payloads;
      from = page.next;
      if (!raw.write(page.text)) await Promise.race([once(raw, 'drain'), once(raw, 'close')]);
    }
  }
}
