import type { DataSource } from 'typeorm';
import type { Node, ReadNode } from '@bailiwick/transparency-log/merkle-tree';
import { openDataSource } from '../database/data-source';
import { HeadsRepository } from '../transparency/heads.repository';
import { Kept } from '../verification/kept';
import { ConsequencesRepository, type Stopped } from './consequences.repository';
import type { ConsequenceRow } from './entities/consequence';
import type { ItemRow } from './entities/item';
import { FollowerRepository } from './follower.repository';
import { ItemsRepository, type ItemFilter, type ItemPage, type RowFilter } from './items.repository';
import type { Made } from './read-model-writer';
import { RebuildsRepository } from './rebuild/rebuilds.repository';
import type { RebuildStatus } from './rebuild/status';
import { TreePiecesRepository } from './tree-pieces.repository';

/** The ledger's tables. Each method is that of the repository that has the statement. */
export class LedgerStore {
  /** signed heads and their cosignatures */
  readonly heads: HeadsRepository;
  /** the stored data as verification reads it */
  readonly kept: Kept;
  private readonly followers: FollowerRepository;
  private readonly pieces: TreePiecesRepository;
  private readonly listed: ItemsRepository;
  private readonly stopped: ConsequencesRepository;
  private readonly rebuilds: RebuildsRepository;

  private constructor(private readonly source: DataSource) {
    this.heads = new HeadsRepository(source);
    this.kept = new Kept(source);
    this.followers = new FollowerRepository(source);
    this.pieces = new TreePiecesRepository(source);
    this.listed = new ItemsRepository(source);
    this.stopped = new ConsequencesRepository(source);
    this.rebuilds = new RebuildsRepository(source);
  }

  /** @throws Error at once if the database does not accept a connection */
  static async open(url: string): Promise<LedgerStore> {
    return new LedgerStore(await openDataSource(url));
  }

  close(): Promise<void> {
    return this.source.destroy();
  }

  position(log: string): Promise<number> {
    return this.followers.position(log);
  }

  /** Writes a batch completely or not at all, and only if the stored position is `from`. */
  write(log: string, from: number, next: number, made: Made): Promise<void> {
    return this.followers.write(log, from, next, made);
  }

  /** Reads nodes of the tree. The returned reader has only those of the wanted nodes that are stored. */
  nodes(log: string, wanted: readonly Node[]): Promise<ReadNode> {
    return this.pieces.nodes(log, wanted);
  }

  /** Returns the row of one subject; undefined if it never existed. */
  async place(log: string, kind: ItemRow['kind'], id: string): Promise<ItemRow | undefined> {
    return (await this.places(log, kind, [id]))[0];
  }

  /** Returns the existing rows of several subjects. */
  places(log: string, kind: ItemRow['kind'], ids: readonly string[]): Promise<ItemRow[]> {
    return this.listed.byIds(log, kind, ids);
  }

  /** Returns the existing rows of the root runs of several trees. */
  roots(log: string, treeIds: readonly string[]): Promise<ItemRow[]> {
    return this.listed.roots(log, treeIds);
  }

  /** Returns the rows of a kind, of a tenant or of one run. */
  items(kind: ItemRow['kind'], filter: ItemFilter): Promise<ItemRow[]> {
    return this.listed.ofTenant(kind, filter);
  }

  /** Returns rows of one log, in the order of the events that created them. It skips at most `most` rows. */
  rows(kind: ItemRow['kind'], log: string, filter: RowFilter, most?: number): Promise<ItemPage> {
    return this.listed.page(kind, log, filter, most);
  }

  /** Returns the status of the latest rebuild of a log; undefined if there was none. */
  rebuildStatus(log: string): Promise<RebuildStatus | undefined> {
    return this.rebuilds.status(log);
  }

  /** Returns the consequences of a revocation in each grant. */
  consequences(tenant: string, revocationId: string): Promise<ConsequenceRow[]> {
    return this.stopped.of(tenant, revocationId);
  }

  /** Returns the next consequences of a revocation in a log, ordered by grant. */
  consequencesAfter(
    log: string,
    revocationId: string,
    after: string | undefined,
    limit: number,
  ): Promise<ConsequenceRow[]> {
    return this.stopped.page(log, revocationId, after, limit);
  }

  countConsequences(log: string, revocationId: string): Promise<Stopped> {
    return this.stopped.count(log, revocationId);
  }
}
