import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { CAEP_SESSION_REVOKED, type SsfStream, type StoredStream } from '@bailiwick/contracts/signals/ssf-stream';
import { sha256hex } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import type { Logger } from '@bailiwick/platform/logging';
import { LOGGER } from '../config';
import { Refused } from '../http/problems/problem';
import { LogClient } from '../log-client/log-client';
import type { Caller } from '../auth/caller';
import { SsfTokens, jtiOf, verificationJti } from './ssf-tokens';
import { StreamItems } from './stream-items';

/** What a receiver reports and asks for. @see RFC 8936 section 2.2 */
export interface PollRequest {
  readonly ack?: readonly string[] | undefined;
  readonly setErrs?: Readonly<Record<string, unknown>> | undefined;
  readonly maxEvents?: number | undefined;
}
export interface PollAnswer {
  readonly sets: Record<string, string>;
  readonly moreAvailable: boolean;
}

/** Events without a lease that are passed before the spot of a stream is saved: they are read again otherwise. */
const UNSAVED = 1_000;

/** The streams of security events of one receiver, which sees no others (I9). */
@Injectable()
export class SsfStreams {
  constructor(
    private readonly logClient: LogClient,
    private readonly items: StreamItems,
    private readonly tokens: SsfTokens,
    @Inject(LOGGER) private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  async list(caller: Caller): Promise<StoredStream[]> {
    const asked = { tenant: caller.tenant, receiver: receiverOf(caller) };
    return (await this.logClient.admin<{ items: StoredStream[] }>('ssf-streams', asked)).items;
  }

  /** @throws Refused NOT_FOUND */
  async find(caller: Caller, id: string): Promise<StoredStream> {
    const found = (await this.list(caller)).find((each) => each.id === id);
    if (!found) throw new Refused('NOT_FOUND', `stream ${id} not found`);
    return found;
  }

  /** @param key an Idempotency-Key: a repeated request gets the stream of the first one */
  async create(caller: Caller, settings: SsfStream['settings'], key: string | undefined): Promise<StoredStream> {
    const [tenant, receiver] = [caller.tenant, receiverOf(caller)];
    const id = (key === undefined ? randomUUID().replaceAll('-', '') : sha256hex(`${receiver}\n${key}`)).slice(0, 32);
    const known = key === undefined ? undefined : (await this.list(caller)).find((each) => each.id === id);
    if (known) return known;
    await this.logClient.admin('ssf-stream-create', { tenant, id, receiver, settings });
    return this.find(caller, id);
  }

  /** @throws Refused CONFLICT if it was changed since it was read */
  async save({ logs: _logs, ...stream }: StoredStream, restart = false): Promise<void> {
    const { saved } = await this.logClient.admin<{ saved: boolean }>('ssf-stream-save', { stream, restart });
    if (!saved) throw new Refused('CONFLICT', `stream ${stream.id} was changed concurrently; try again`);
  }

  async remove(caller: Caller, id: string): Promise<void> {
    const asked = { tenant: caller.tenant, receiver: receiverOf(caller), id };
    const { removed } = await this.logClient.admin<{ removed: boolean }>('ssf-stream-remove', asked);
    if (!removed) throw new Refused('NOT_FOUND', `stream ${id} not found`);
  }

  /**
   * Takes acknowledgments and returns the next tokens. Acknowledged ones are passed as far as they are next in order,
   * so a stream needs no memory but its spots, and its order is that of the log. A process that dies before the spots are
   * saved, or after that before its response arrives, delivers again what was not acknowledged.
   */
  async poll(caller: Caller, id: string, { ack = [], setErrs = {}, maxEvents }: PollRequest): Promise<PollAnswer> {
    const stream = await this.find(caller, id);
    if (stream.status !== 'enabled') return { sets: {}, moreAvailable: false };
    const most = Math.min(maxEvents ?? LIMITS.signals.sentPerPoll, LIMITS.signals.sentPerPoll);
    const done = new Set([...ack, ...Object.keys(setErrs)]);
    const refused = Object.keys(setErrs).length;
    if (refused > 0) this.logger.warn({ stream: id, refused }, 'a receiver refused security event tokens');
    const isWanted = stream.settings.requested.includes(CAEP_SESSION_REVOKED);
    const { leases, passed, more } = isWanted ? await this.items.of(stream, done.size + most + 1) : NOTHING;
    const firstLeft = leases.findIndex((lease) => !done.has(jtiOf(lease)));
    const acked = firstLeft < 0 ? leases : leases.slice(0, firstLeft);
    const moved = await this.advance(stream, acked, more || isFar(stream, passed) ? passed : {}, done);
    const sets: Record<string, string> = {};
    if (moved.verification?.isDone === false && most > 0)
      sets[verificationJti(moved)] = await this.tokens.verification(moved);
    const left = leases.slice(acked.length);
    const sent = left.slice(0, Math.max(0, most - Object.keys(sets).length));
    for (const lease of sent) sets[jtiOf(lease)] = await this.tokens.sessionRevoked(moved, lease);
    return { sets, moreAvailable: more || left.length > sent.length };
  }

  private async advance(
    stream: StoredStream,
    acked: readonly { readonly log: string; readonly spot: SsfStream['cursors'][string] }[],
    passed: SsfStream['cursors'],
    done: ReadonlySet<string>,
  ): Promise<StoredStream> {
    const cursors = { ...stream.cursors };
    for (const { log, spot } of acked) cursors[log] = spot;
    Object.assign(cursors, passed);
    const isVerified = stream.verification?.isDone === false && done.has(verificationJti(stream));
    if (acked.length === 0 && Object.keys(passed).length === 0 && !isVerified) return stream;
    const verification =
      stream.verification && isVerified ? { ...stream.verification, isDone: true } : stream.verification;
    const moved = { ...stream, cursors, ...(verification ? { verification } : {}) };
    await this.save(moved);
    return moved;
  }
}

const NOTHING = { leases: [], passed: {}, more: false };

/** Reports whether a log was passed so far that it should not be read again. */
const isFar = (stream: StoredStream, passed: SsfStream['cursors']): boolean =>
  Object.entries(passed).some(([log, { position }]) => position - (stream.cursors[log]?.position ?? 0) >= UNSAVED);

/** A key is known by its id, which a rotation keeps; a key of a role by its name, a person by their ref. */
function receiverOf(caller: Caller): string {
  const { id, via } = caller.actor;
  return via?.startsWith('key_') ? via : id;
}
