import 'reflect-metadata';
import { DataSource, type Repository } from 'typeorm';
import { databaseWaits } from '@bailiwick/event-store/postgres/waits';
import { ProgressRow } from './entities/progress';
import type { ProgressStore } from './log-monitor';

/** Stores the start position of each log in `intent.progress`. */
export class IntentStore implements ProgressStore {
  private readonly progress: Repository<ProgressRow>;

  private constructor(private readonly source: DataSource) {
    this.progress = source.getRepository(ProgressRow);
  }

  /** @throws Error at once if the database does not accept a connection */
  static async open(url: string): Promise<IntentStore> {
    const source = new DataSource({
      type: 'postgres',
      url,
      entities: [ProgressRow],
      synchronize: false,
      applicationName: 'bailiwick-intent',
      extra: { max: 2, ...databaseWaits() },
    });
    return new IntentStore(await source.initialize());
  }

  async since(log: string): Promise<number> {
    return (await this.progress.findOneBy({ log }))?.since ?? 0;
  }

  async save(log: string, since: number): Promise<void> {
    await this.progress.upsert({ log, since }, ['log']);
  }

  close(): Promise<void> {
    return this.source.destroy();
  }
}
