import { Inject, Injectable } from '@nestjs/common';
import {
  personNames,
  refsAbout,
  withNamesIn,
  type PersonNames as Names,
} from '@bailiwick/contracts/people/person-names';
import { LIMITS } from '@bailiwick/core/limits';
import type { Bus } from '@bailiwick/messaging/connect';
import { adminSubject } from '@bailiwick/messaging/subjects';
import type { Logger } from '@bailiwick/platform/logging';
import { LRUCache } from 'lru-cache';
import { z } from 'zod';
import { BUS, LOGGER } from '../config';
import { RefusedCommand } from '../http/problems/problem';
import type { Caller } from './caller';
import type { Role } from './roles';

const reply = z.object({ ok: z.literal(true), value: z.object({ names: personNames.optional() }) });

/** The roles of people. Orchestrators and enforcers run next to agents, and get refs, as runs do. */
const READERS: ReadonlySet<Role> = new Set(['admin', 'analyst', 'approver', 'responder']);

export const maySeeNames = (caller: Caller): boolean =>
  caller.kind === 'key' && (caller.person !== undefined || caller.roles.some((role) => READERS.has(role)));

/**
 * The names of the people that events name by refs. They are recorded when a person acts, and read each time they are
 * shown: no name is cached here, so that an erasure is effective at once. Nothing is decided by a name, and no request
 * fails because names cannot be recorded or read; it then shows refs.
 */
@Injectable()
export class PersonNames {
  /** the refs whose names are recorded, or erased */
  private readonly recorded = new LRUCache<string, true>({ max: LIMITS.namesRecorded });
  private readonly pending = new Set<Promise<void>>();

  constructor(
    @Inject(BUS) private readonly bus: Pick<Bus, 'request'>,
    @Inject(LOGGER) private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  /** Records the names of people of a tenant, concurrently with the request that names them. */
  record(tenant: string, people: readonly { readonly ref: string; readonly name: string }[]): void {
    const unknown = people.filter(({ ref }) => !this.recorded.has(ref)).slice(0, LIMITS.namesAtOnce);
    if (unknown.length === 0) return;
    for (const { ref } of unknown) this.recorded.set(ref, true);
    const done = this.ask('record-names', { tenant, people: unknown }).then((answer) => {
      this.pending.delete(done);
      if (answer) return;
      for (const { ref } of unknown) this.recorded.delete(ref); // the next act records them
      this.logger.warn('names of people could not be recorded');
    });
    this.pending.add(done);
  }

  /** Returns when the names of the requests so far are recorded. */
  async settled(): Promise<void> {
    if (this.pending.size > 0) await Promise.all(this.pending);
  }

  /** Adds the names of the people in a view, by ref, for a caller that may see them. */
  async shown<T extends object>(caller: Caller, view: T): Promise<T & { names?: Names }> {
    const names = await this.of(caller, view);
    return Object.keys(names).length === 0 ? view : { ...view, names };
  }

  /**
   * Carries out a command whose refusal may name people, and names them in the response. The refusal that the owner has
   * recorded keeps the refs. @throws Refused
   */
  async inRefusals<T>(caller: Caller, work: Promise<T>): Promise<T> {
    try {
      return await work;
    } catch (error) {
      if (!(error instanceof RefusedCommand)) throw error;
      const { code, detail, reasons, extra } = error;
      const names = await this.of(caller, { detail });
      throw new RefusedCommand(code, withNamesIn(detail, names), reasons, extra);
    }
  }

  private async of(caller: Caller, value: unknown): Promise<Names> {
    if (!maySeeNames(caller)) return {};
    const refs = refsAbout(value);
    if (refs.length === 0) return {};
    await this.settled();
    return (await this.ask('person-names', { tenant: caller.tenant, refs }))?.names ?? {};
  }

  private async ask(op: string, body: Record<string, unknown>): Promise<{ names?: Names | undefined } | undefined> {
    const answer = await this.bus.request(adminSubject(op), body, LIMITS.attemptMs);
    const parsed = answer.ok ? reply.safeParse(answer.value) : undefined;
    return parsed?.success ? parsed.data.value : undefined;
  }
}
