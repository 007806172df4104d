import { Inject, Injectable } from '@nestjs/common';
import type { Bus } from '@bailiwick/messaging/connect';
import {
  adminSubject,
  boundarySubject,
  commandSubject,
  ledgerSubject,
  querySubject,
} from '@bailiwick/messaging/subjects';
import { DEADLINE_HEADER, type Answer } from '@bailiwick/contracts/commands/command';
import { systemClock } from '@bailiwick/core/clock';
import { parseLogName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { OwnerClient, valueOf } from '@bailiwick/edge/owners/owner-client';
import { requestWithRetries, type Send } from '@bailiwick/edge/owners/retry';
import { Refused } from '@bailiwick/edge/refused';
import { BUS } from '../config';

/** how long the boundary may start an upstream server and read its tools, ms */
const BOUNDARY_MS = 40_000;

/** Objects that can be read by id. */
type Kind = 'run' | 'grant' | 'tree' | 'approval';

/** Sends commands and queries to the owners of the logs, and requests to the ledger and the delegation service. */
@Injectable()
export class LogClient extends OwnerClient {
  constructor(@Inject(BUS) bus: Bus) {
    super(bus, { commands: commandSubject, queries: querySubject });
  }

  /**
   * Reads the current state of an object by its id. An owner forgets objects that ended long ago; the ledger finds them
   * in the log. While the ledger is unreachable, an object cannot be reported as missing.
   * @throws Refused NOT_FOUND, or NOT_READY if one of the two could not be reached in time (I11)
   */
  async look<T>(kind: Kind, log: string, id: string): Promise<T> {
    const reply = await this.question({ op: kind, log, id });
    if (reply.ok || reply.refusal.code !== 'NOT_FOUND') return valueOf<T>(reply);
    return this.ledger<T>('ended', { tenant: parseLogName(log).tenant, kind, id });
  }

  async ledger<T>(op: string, body: Record<string, unknown>, timeoutMs: number = LIMITS.commandTimeoutMs): Promise<T> {
    const send: Send = (ms) => this.bus.request(ledgerSubject(op), body, ms);
    return valueOf<T>(await requestWithRetries(send, { recipient: 'the ledger', timeoutMs }));
  }

  /** Asks the boundary, which is running once MCP servers are registered. @throws Refused NOT_FOUND, NOT_READY */
  async boundary<T>(op: string, body: Record<string, unknown>, timeoutMs: number = BOUNDARY_MS): Promise<T> {
    const reply = await this.bus.request(boundarySubject(op), body, timeoutMs);
    if (!reply.ok) throw new Refused('NOT_READY', 'the boundary does not answer; it runs once a server is registered');
    return valueOf<T>(reply.value as Answer);
  }

  async admin<T>(op: string, body: Record<string, unknown>): Promise<T> {
    // a deadline as for a command: a request that was answered with 503 does not run later
    const headers = { [DEADLINE_HEADER]: String(systemClock.now() + LIMITS.queryTimeoutMs - LIMITS.clockBackMs) };
    const send: Send = (ms) => this.bus.request(adminSubject(op), body, ms, { headers });
    return valueOf<T>(
      await requestWithRetries(send, { recipient: 'the delegation service', timeoutMs: LIMITS.queryTimeoutMs }),
    );
  }
}
