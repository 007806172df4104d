import { Injectable } from '@nestjs/common';
import type { Event } from '@bailiwick/contracts/events/event';
import type { RevocationRecord } from '@bailiwick/contracts/revocations/record';
import type { StoredStream, StreamSpot } from '@bailiwick/contracts/signals/ssf-stream';
import { LIMITS } from '@bailiwick/core/limits';
import { LogClient } from '../log-client/log-client';

/** A lease that a revocation ended, as the events and the record of the revocation have it. */
export interface EndedLease {
  readonly log: string;
  readonly grantId: string;
  /** of the revocation */
  readonly event: Event;
  /** where its log continues once it is acknowledged */
  readonly spot: StreamSpot;
}

interface EventsPage {
  readonly items: readonly (Event & { readonly unreadable?: true })[];
  readonly next: number | null;
  readonly asOf: Readonly<Record<string, number>>;
}

/** The types of the events that end leases for good, at once and whatever they were about to do. */
const ENDING = ['GrantRevoked', 'RevocationRuleAdded'] as const;
const BEYOND = 999_999_999_999;
const EVENTS = 50;

/** What a log has for a stream: the next leases in order. */
export interface Gathered {
  readonly leases: readonly EndedLease[];
  /** where it continues once all of them are acknowledged */
  readonly end: StreamSpot;
  /** there may be more after `end` */
  readonly more: boolean;
}

/**
 * Reads the leases that revocations ended from the events of a log and the records of revocations, from a spot on.
 * Nothing is stored for a stream but its spots: after an outage, however long, it continues at the spot.
 */
@Injectable()
export class StreamItems {
  constructor(private readonly logClient: LogClient) {}

  /** Returns the next leases of all logs of a stream, at most `limit`, and the spots of logs without one. */
  async of(
    stream: StoredStream,
    limit: number,
  ): Promise<{ leases: EndedLease[]; passed: Record<string, StreamSpot>; more: boolean }> {
    const leases: EndedLease[] = [];
    const passed: Record<string, StreamSpot> = {};
    let more = false;
    for (const log of stream.logs) {
      if (leases.length >= limit) return { leases, passed, more: true };
      const spot = stream.cursors[log] ?? { position: 0 };
      const gathered = await this.gather(stream.tenant, log, spot, limit - leases.length);
      leases.push(...gathered.leases);
      if (gathered.leases.length === 0) passed[log] = gathered.end;
      more ||= gathered.more;
    }
    return { leases, passed, more };
  }

  /** @throws Refused NOT_READY until the ledger has the record of each revocation that it returns */
  private async gather(tenant: string, log: string, from: StreamSpot, limit: number): Promise<Gathered> {
    // read first: what is committed while the events are read is left for the next poll
    const { asOf } = await this.events({ tenant, log, after: BEYOND });
    const head = asOf[log] ?? -1;
    const pages = await Promise.all(
      ENDING.map((type) => this.events({ tenant, log, type, after: from.position - 1, limit: EVENTS })),
    );
    const known = Math.min(head, ...pages.map(({ next }) => next ?? head));
    const events = pages
      .flatMap(({ items }) => items)
      .filter((event) => event.position <= known && event.unreadable === undefined && endsForGood(event))
      .sort((a, b) => a.position - b.position);
    const leases: EndedLease[] = [];
    for (const event of events) {
      const after = event.position === from.position ? from.after : undefined;
      const { ended, whole } = await this.endedBy(tenant, log, event, after, limit - leases.length);
      leases.push(...ended);
      if (!whole) return { leases, end: ended.at(-1)?.spot ?? from, more: true };
      if (leases.length >= limit) return { leases, end: { position: event.position + 1 }, more: event.position < head };
    }
    return { leases, end: { position: Math.max(from.position, known + 1) }, more: known < head };
  }

  /** Returns the next leases that a revocation ended. `whole`: there are no more of it. */
  private async endedBy(
    tenant: string,
    log: string,
    event: Event,
    after: string | undefined,
    limit: number,
  ): Promise<{ ended: EndedLease[]; whole: boolean }> {
    // its record is written together with this position
    await this.events({ tenant, log, after: event.position - 1, limit: 1, minPosition: event.position });
    const { revocationId } = event.data as { revocationId: string };
    const ended: EndedLease[] = [];
    let from = after;
    for (;;) {
      const record = await this.logClient.ledger<RevocationRecord>('revocation', {
        ...{ tenant, id: revocationId, limit: Math.min(limit, LIMITS.revocationPage) },
        ...(from === undefined ? {} : { after: from }),
      });
      const rows = record.consequences;
      for (const [i, row] of rows.entries()) {
        if (!('grantId' in row)) continue; // a request that waited for its first lease: nothing was in use
        const isLast = record.next === null && i === rows.length - 1;
        const spot = isLast ? { position: event.position + 1 } : { position: event.position, after: row.grantId };
        ended.push({ log, grantId: row.grantId, event, spot });
      }
      if (record.next === null) return { ended, whole: true };
      if (ended.length >= limit) return { ended: ended.slice(0, limit), whole: false };
      from = record.next;
    }
  }

  private events(query: Record<string, unknown>): Promise<EventsPage> {
    return this.logClient.ledger<EventsPage>('events', query);
  }
}

/** A suspension ends nothing, and neither does a rule that denies a tool. */
function endsForGood(event: Event): boolean {
  if (event.type === 'GrantRevoked') return true;
  return event.type === 'RevocationRuleAdded' && event.data.mode === undefined && event.data.target !== 'tool';
}
