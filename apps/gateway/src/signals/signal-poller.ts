import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';
import type { Logger } from '@bailiwick/platform/logging';
import { boundedPostJson } from '../auth/issuers/bounded-fetch';
import { LOGGER } from '../config';
import { ConcurrencyLimiter } from '@bailiwick/edge/concurrency-limiter';
import { countFailedPoll } from './signal-metrics';
import { SetRefused } from './set-verifier';
import { SignalReceiver, Transmitters, type Transmitter } from './signal-receiver';

const answer = z.object({ sets: z.record(z.string(), z.string()), moreAvailable: z.boolean().optional() });

/** What the next poll reports of the tokens of the one before. @see RFC 8936 section 2.2 */
interface Report {
  readonly ack: string[];
  readonly setErrs: Record<string, { err: string; description: string }>;
  /** the polls in a row that failed to deliver it */
  readonly failed: number;
}
const nothing = (): Report => ({ ack: [], setErrs: {}, failed: 0 });

/**
 * Fetches security event tokens from transmitters that deliver by poll (RFC 8936). Every gateway polls; a token that
 * two of them receive has its effect once. A token is acknowledged after its command is committed: a process that
 * dies before that leaves it to be delivered again.
 */
@Injectable()
export class SignalPoller implements OnModuleInit, OnApplicationShutdown {
  private readonly timers = new Set<NodeJS.Timeout>();
  private stopped = false;

  constructor(
    private readonly transmitters: Transmitters,
    private readonly receiver: SignalReceiver,
    private readonly tenants: ConcurrencyLimiter,
    @Inject(LOGGER) private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  onModuleInit(): void {
    for (const transmitter of this.transmitters.all) if (transmitter.config.poll) this.later(transmitter, 0, nothing());
  }

  onApplicationShutdown(): void {
    this.stopped = true;
    for (const timer of this.timers) clearTimeout(timer);
  }

  private later(transmitter: Transmitter, ms: number, report: Report): void {
    if (this.stopped) return;
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      void this.poll(transmitter, report).then(([next, wait]) => this.later(transmitter, wait, next));
    }, ms);
    timer.unref();
    this.timers.add(timer);
  }

  /**
   * Reports what became of the tokens before, and takes in the next ones: no more than were asked for, since the next
   * report must reach the transmitter before it delivers them again.
   * @returns the next report, and the ms until it is sent
   */
  async poll(transmitter: Transmitter, report: Report): Promise<[Report, number]> {
    const { name, poll } = transmitter.config;
    if (!poll) return [report, LIMITS.signals.pollRetryMs];
    const { most, request } = requestOf(report);
    try {
      const headers = { authorization: poll.authorization };
      const response = await boundedPostJson(poll.endpoint, request, headers, LIMITS.signals.pollBytes);
      const { sets, moreAvailable } = answer.parse(await response.json());
      const all = Object.entries(sets);
      const [next, isWhole] = await this.takeIn(transmitter, all.slice(0, most));
      const isMore = all.length > most || most === 0 || (moreAvailable === true && all.length > 0);
      // what could not be taken in is delivered again, not at once
      return [next, isMore && isWhole ? LIMITS.signals.pollPauseMs : poll.every * 1_000];
    } catch (error) {
      countFailedPoll(name);
      this.logger.warn({ transmitter: name, err: (error as Error).message }, 'a poll of security events failed');
      const failed = report.failed + 1;
      // what is not reported is delivered again, and then repeats nothing
      return [failed < LIMITS.signals.pollReports ? { ...report, failed } : nothing(), LIMITS.signals.pollRetryMs];
    }
  }

  /** @returns the report, and whether each token was either taken in or refused for good */
  private async takeIn(transmitter: Transmitter, sets: readonly [string, string][]): Promise<[Report, boolean]> {
    const report = nothing();
    const arrival = transmitter.verifier.arrival();
    let isWhole = true;
    for (const [jti, text] of sets) {
      try {
        const release = this.tenants.take(transmitter.config.tenant);
        await this.receiver.receive(transmitter, text, arrival).finally(release);
        report.ack.push(jti);
      } catch (error) {
        if (error instanceof SetRefused) report.setErrs[jti] = { err: error.err, description: error.description };
        else isWhole = false;
      }
    }
    return [report, isWhole];
  }
}

/**
 * The body of a poll, and how many tokens it asks for. After one that failed, tokens are acknowledged without a request
 * for others, and no errors are reported: the answer, or the report, may be what the two sides cannot agree on.
 * @see RFC 8936 section 2.4.2
 */
function requestOf({ ack, setErrs, failed }: Report) {
  const most = failed > 0 && ack.length > 0 ? 0 : LIMITS.signals.perPoll;
  return { most, request: { ack, setErrs: failed > 0 ? {} : setErrs, maxEvents: most, returnImmediately: true } };
}
