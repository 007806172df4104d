import type { DataSource, EntityManager } from 'typeorm';
import { piecesFor, readPieces } from '@bailiwick/transparency-log/pieces';
import type { Node, ReadNode } from '@bailiwick/transparency-log/merkle-tree';

/** Reads the stored hashes of the Merkle trees. */
export class TreePiecesRepository {
  private readonly manager: EntityManager;

  constructor(source: DataSource) {
    this.manager = source.manager;
  }

  /**
   * Reads nodes of the tree, in one statement; TypeORM cannot express its lateral join. The returned reader has only
   * those of the wanted nodes that are stored.
   */
  async nodes(log: string, wanted: readonly Node[]): Promise<ReadNode> {
    const pieces = piecesFor(wanted);
    const rows = await this.manager.query<{ level: number; index: string; hashes: Buffer }[]>(PIECES, [
      log,
      pieces.map((each) => each.level),
      pieces.map((each) => each.index),
    ]);
    return readPieces(rows.map(({ level, index, hashes }) => ({ level, index: Number(index), hashes })));
  }
}

/** Reads each piece by its key even without table statistics, so that the cost does not grow with the log. */
const PIECES = `
  SELECT wanted.level, wanted.index, hashes
  FROM unnest($2::int[], $3::bigint[]) AS wanted (level, index) CROSS JOIN LATERAL (
    SELECT hashes FROM ledger.piece WHERE log = $1 AND level = wanted.level AND index = wanted.index LIMIT 1
  ) AS piece`;
