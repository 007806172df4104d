import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, extname, join, relative, sep } from 'node:path';
import { gzipSync } from 'node:zlib';

/** A file of the built console. */
export interface ConsoleFile {
  readonly type: string;
  readonly bytes: Buffer;
  /** left out for files that are compressed already */
  readonly gzip?: Buffer | undefined;
  readonly etag: string;
  /** its name contains the digest of its content, so that a browser may keep it */
  readonly isImmutable: boolean;
}
export type ConsoleFiles = ReadonlyMap<string, ConsoleFile>;

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};
const COMPRESSED = new Set(['.woff2']);
export const INDEX = 'index.html';

/** The folder of the built console, which `npm run build` writes; undefined if it was not built. */
export function builtConsole(): string | undefined {
  try {
    return dirname(require.resolve(`@bailiwick/console/${INDEX}`));
  } catch {
    return undefined;
  }
}

/** Reads every file of a folder whose type is known: name → file. No other name can be requested, so no path leaves it. */
export function readConsoleFiles(folder: string): ConsoleFiles {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'));
  return new Map(
    names.flatMap((name): [string, ConsoleFile][] => {
      const type = TYPES[extname(name)];
      if (type === undefined || !existsSync(join(folder, name))) return [];
      const bytes = readFileSync(join(folder, name));
      const gzip = COMPRESSED.has(extname(name)) ? undefined : gzipSync(bytes, { level: 9 });
      const etag = `"${createHash('sha256').update(bytes).digest('base64url').slice(0, 27)}"`;
      return [[name, { type, bytes, gzip, etag, isImmutable: name.startsWith('assets/') }]];
    }),
  );
}
