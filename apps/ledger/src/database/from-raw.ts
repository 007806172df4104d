import type { ObjectLiteral, Repository } from 'typeorm';

/** Converts a row that a raw statement returned, by column name, to a row of the repository's entity. */
export function fromRaw<T extends ObjectLiteral>(
  { metadata, manager }: Repository<T>,
  raw: Record<string, unknown>,
): T {
  const row = metadata.create() as T;
  for (const column of metadata.columns)
    column.setEntityValue(row, manager.dataSource.driver.prepareHydratedValue(raw[column.databaseName], column));
  return row;
}
