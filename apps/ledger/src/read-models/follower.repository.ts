import type { DataSource, Repository } from 'typeorm';
import { FollowerRow } from './entities/follower';
import { MOVE_LIVE, writeMade, type Made, type Writer } from './read-model-writer';

/** The positions up to which the ledger has followed the logs. They change only together with the rows of a batch. */
export class FollowerRepository {
  private readonly followers: Repository<FollowerRow>;

  constructor(source: DataSource) {
    this.followers = source.getRepository(FollowerRow);
  }

  /** Returns the first position that the read models of a log do not contain; 0 if the log was never followed. */
  async position(log: string): Promise<number> {
    return (await this.followers.findOneBy({ log }))?.position ?? 0;
  }

  /**
   * Writes a batch completely or not at all, and only if the stored position is `from`. After a crash the follower
   * repeats the batch from that position. Most batches are one statement, and so one round trip.
   */
  async write(log: string, from: number, next: number, made: Made): Promise<void> {
    const { manager } = this.followers;
    const by: Writer = {
      move: MOVE_LIVE,
      run: (sql, values) => manager.query<unknown[]>(sql, values),
      together: (work) => manager.transaction((inside) => work((sql, values) => inside.query<unknown[]>(sql, values))),
    };
    await writeMade(by, log, from, next, made);
  }
}
