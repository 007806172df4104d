import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import type { WitnessConfig } from '@bailiwick/platform/keys/witness-config';
import { LOGGER, WITNESS_CONFIG, type Logger } from '../connections/tokens';
import { LogLedgers } from '../follower/log-ledgers';
import { LedgerStore } from '../read-models/store';
import { Cosigning } from './cosigning';

/** Sends the checkpoints of every log to every configured witness. */
@Injectable()
export class CosigningService implements OnModuleInit, OnApplicationShutdown {
  private readonly loops: Cosigning[] = [];

  constructor(
    @Inject(WITNESS_CONFIG) private readonly config: WitnessConfig,
    private readonly ledgers: LogLedgers,
    private readonly store: LedgerStore,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /** @throws Error if a witness has an invalid key */
  onModuleInit(): void {
    this.ledgers.forEach(({ state }) => this.cosign(state.log));
  }

  async onApplicationShutdown(): Promise<void> {
    await Promise.all(this.loops.map((loop) => loop.stop()));
  }

  private cosign(log: string): void {
    const warn = (message: string, cause?: unknown): void => this.logger.warn({ err: cause, log }, message);
    for (const witness of this.config.witnesses) {
      const loop = new Cosigning({ log, witness, store: this.store, warn });
      this.loops.push(loop);
      loop.start();
    }
  }
}
