import { Controller } from '@nestjs/common';
import { MessagePattern, Payload } from '@nestjs/microservices';
import type { Answer } from '@bailiwick/contracts/commands/command';
import type { ExportHeader } from '@bailiwick/contracts/transfer/export';
import { logNameSchema, position, tenantName } from '@bailiwick/contracts/primitives';
import { LIMITS } from '@bailiwick/core/limits';
import { ledgerSubject } from '@bailiwick/messaging/subjects';
import { emptyRoot } from '@bailiwick/transparency-log/hash';
import { z } from 'zod';
import { Sources } from '../connections/sources';
import { LogLedgers } from '../follower/log-ledgers';
import { found, missing } from '../rpc/answers';
import { NotYet } from '../rpc/errors';
import { ZodPipe } from '@bailiwick/platform/rpc/zod.pipe';

const headsQuery = z.strictObject({ tenant: tenantName });
type HeadsQuery = z.infer<typeof headsQuery>;

const linesQuery = z.strictObject({ tenant: tenantName, log: logNameSchema, from: position, to: position });
type LinesQuery = z.infer<typeof linesQuery>;

/** Exports all logs of a tenant. */
@Controller()
export class TransferController {
  constructor(
    private readonly ledgers: LogLedgers,
    private readonly sources: Sources,
  ) {}

  /** Returns the logs of a tenant, each with its signed head: they determine the contents of the export. */
  @MessagePattern(ledgerSubject('export-heads'))
  async heads(@Payload(new ZodPipe(headsQuery)) { tenant }: HeadsQuery): Promise<Answer> {
    const { eventlog, store } = this.sources;
    const logs: ExportHeader['logs'] = [];
    for (const log of await eventlog.listLogs(tenant)) {
      const ledger = this.ledgers.get(log);
      if (!ledger) throw new NotYet(`${log} is not followed yet; try again`);
      const head = await eventlog.head(log);
      if (head > 0 && !(await ledger.reached(head - 1)))
        throw new NotYet(`the tree of ${log} has ${ledger.position} of ${head} events; try again`);
      await ledger.sign();
      const newest = await store.heads.newest(log);
      logs.push({
        log,
        size: newest?.size ?? 0,
        root: (newest?.root ?? emptyRoot()).toString('base64'),
        checkpoint: newest?.note ?? null,
        vkey: ledger.vkey,
      });
    }
    return logs.length > 0 ? found(logs) : missing(tenant);
  }

  /** Returns the lines of events that fit into one message; `next` is the position of the following line. */
  @MessagePattern(ledgerSubject('export-lines'))
  async lines(@Payload(new ZodPipe(linesQuery)) { tenant, log, from, to }: LinesQuery): Promise<Answer> {
    if (!log.startsWith(`${tenant}/`)) return missing(log); // I9
    const stored = await this.sources.eventlog.read(log, from, Math.min(LIMITS.eventsPageMax, to - from));
    let text = '';
    let next = from;
    let payloads = 0;
    for (const { log, position, type, time, body, payload = null } of stored) {
      const line = JSON.stringify({ log, position, type, time, body, payload });
      if (next > from && text.length + line.length > LIMITS.pageBytes / 2) break;
      text += `${line}\n`;
      next = position + 1;
      if (payload !== null) payloads += 1;
    }
    return found({ text, next, payloads });
  }
}
