import { Inject, Injectable } from '@nestjs/common';
import type { Payloads } from '@bailiwick/event-store/payloads';
import type { Logger } from 'pino';
import { LOGGER, PAYLOADS } from '../connections/tokens';
import type { LogOwner } from '../log-owner/owner';
import { Erasing } from './erasing';

/** Carries out recorded erasures. */
@Injectable()
export class ErasureService {
  constructor(
    @Inject(PAYLOADS) private readonly payloads: Payloads,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** Starts with the erasures that an earlier owner of the log recorded and did not finish. */
  start(log: string, owner: LogOwner): Erasing {
    const erasing = new Erasing(log, owner, this.payloads, (message, cause) =>
      this.logger.warn({ err: cause, log }, message),
    );
    void erasing.run();
    return erasing;
  }
}
