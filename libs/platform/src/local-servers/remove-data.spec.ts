import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeData } from './postgres';

/** Fails if only the folder is removed: root's clusters are stored elsewhere, and would fill the disk. */
it('removeData removes a data folder and the cluster of its database in any place', () => {
  const [dir, cluster] = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'bailiwick-'))) as [string, string];
  writeFileSync(join(cluster, 'PG_VERSION'), '18\n');
  writeFileSync(join(dir, 'postgres-place'), `${cluster}\n`);
  removeData(dir);
  expect([dir, cluster].filter((each) => existsSync(each))).toEqual([]);
});
