import type { BailiwickClient } from '@bailiwick/client/client';
import { Progress } from '../render';

/** Prints the record of a revocation as lines of JSON, and its progress on the standard error. */
export async function printRecord(client: BailiwickClient, id: string): Promise<void> {
  let page = await client.revocation(id);
  const total = page.counts?.rows ?? 0;
  const progress = new Progress(total, 'consequences');
  for (let done = 0; ;) {
    for (const each of page.consequences) console.log(JSON.stringify(each));
    done += page.consequences.length;
    if (total > 0) progress.show(done);
    if (page.next === null) return;
    page = await client.revocation(id, page.next);
  }
}
