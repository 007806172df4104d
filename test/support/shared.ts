import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const SHARED = resolve(__dirname, '..', '..', '..', 'shared');

/** The path of a file that lies beside the repository, where it does. */
export function sharedPath(name: string): string | undefined {
  const path = resolve(SHARED, name);
  return existsSync(path) ? path : undefined;
}

/** A test over such a file; skipped, and said so, where it is absent. */
export function itWithShared(
  name: string,
  title: string,
  body: (path: string) => void | Promise<void>,
  timeoutMs?: number,
): void {
  const path = sharedPath(name);
  if (path === undefined) {
    console.warn(`SKIPPED: ../shared is absent: ${title} (${name})`);
    it.skip(title, () => undefined);
  } else it(title, async () => body(path), timeoutMs);
}
