import { existsSync } from 'node:fs';
import { resolve } from 'node:path';

const SHARED = resolve(__dirname, '..', '..', '..', 'shared');

/** Returns the path of a file in `../shared`, outside the repository; undefined if the file is absent. */
export function sharedPath(name: string): string | undefined {
  const path = resolve(SHARED, name);
  return existsSync(path) ? path : undefined;
}

/** Defines a test that reads such a file; if the file is absent, skips the test with a warning. */
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
