import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import { LIMITS } from '@bailiwick/core/limits';
import type { BundleFiles } from '@bailiwick/policy/bundle';
import { problemText, type Problem } from '@bailiwick/policy/problem';
import { UsageError } from '../context';
import { plain } from '../render';

export const lineOf = (problem: Problem): string => plain(problemText(problem));

/**
 * Reads the `.yaml` and `.yml` files of a folder and the folders in it; those whose names start with a dot are left out.
 * @throws UsageError if the folder cannot be read, has none, or has a link
 */
export function readFolder(folder: string): BundleFiles {
  const files: Record<string, string> = {};
  try {
    for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
      const parts = name.split(sep);
      if (!/\.ya?ml$/.test(name) || parts.some((part) => part.startsWith('.'))) continue;
      const path = join(folder, name);
      const { size, isFile } = statOf(path);
      if (!isFile) throw new UsageError(`${path} is not a file`);
      if (size > LIMITS.policy.fileBytes)
        throw new UsageError(`${path} has ${size} bytes, and at most ${LIMITS.policy.fileBytes} are read`);
      files[parts.join(posix.sep)] = readFileSync(path, 'utf8');
    }
  } catch (error) {
    throw error instanceof UsageError ? error : new UsageError(`${folder}: ${(error as Error).message}`);
  }
  if (Object.keys(files).length === 0) throw new UsageError(`${folder} has no files that end with .yaml or .yml`);
  return files;
}

function statOf(path: string): { readonly size: number; readonly isFile: boolean } {
  const stat = lstatSync(path);
  return { size: stat.size, isFile: stat.isFile() };
}
