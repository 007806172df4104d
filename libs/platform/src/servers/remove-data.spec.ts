import { existsSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeData } from './postgres';

/** Seen to fail where only the folder is removed: root's clusters stay elsewhere, and fill the disk. */
it('removes a data folder and the cluster of its database, wherever that was put', () => {
  const [dir, cluster] = [1, 2].map(() => mkdtempSync(join(tmpdir(), 'bailiwick-'))) as [string, string];
  writeFileSync(join(cluster, 'PG_VERSION'), '18\n');
  writeFileSync(join(dir, 'postgres-place'), `${cluster}\n`);
  removeData(dir);
  expect([dir, cluster].filter((each) => existsSync(each))).toEqual([]);
});
