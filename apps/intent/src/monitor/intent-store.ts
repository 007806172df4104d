import 'reflect-metadata';
import { DataSource } from 'typeorm';
import { databaseWaits } from '@bailiwick/event-store/postgres/waits';
import type { ProgressStore } from './log-monitor';

/** Stores the start position of each log in `intent.progress`. */
export class IntentStore implements ProgressStore {
  private constructor(private readonly source: DataSource) {}

  static async open(url: string): Promise<IntentStore> {
    const source = new DataSource({
      type: 'postgres',
      url,
      synchronize: false,
      applicationName: 'bailiwick-intent',
      extra: { max: 2, ...databaseWaits() },
    });
    await source.initialize();
    return new IntentStore(source);
  }

  async since(log: string): Promise<number> {
    const rows = await this.source.query<{ since: string }[]>('SELECT since FROM intent.progress WHERE log = $1', [
      log,
    ]);
    return Number(rows[0]?.since ?? 0);
  }

  async save(log: string, since: number): Promise<void> {
    await this.source.query(
      'INSERT INTO intent.progress (log, since) VALUES ($1, $2) ON CONFLICT (log) DO UPDATE SET since = excluded.since',
      [log, since],
    );
  }

  close(): Promise<void> {
    return this.source.destroy();
  }
}
