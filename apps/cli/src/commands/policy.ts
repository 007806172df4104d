import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join, posix, sep } from 'node:path';
import type { Command } from 'commander';
import { policySchema } from '@bailiwick/contracts/policy/policy-bundle';
import { LIMITS } from '@bailiwick/core/limits';
import { checkBundle, type BundleFiles, type CheckedBundle } from '@bailiwick/policy/bundle';
import { readDefaultBundle } from '@bailiwick/policy/default-bundle';
import { problemText, type Problem } from '@bailiwick/policy/problem';
import { runPolicyTests } from '@bailiwick/policy/rehearsal/run-policy-tests';
import { UsageError, type GlobalOptions } from '../context';
import { green, plain, red } from '../render';

const FOLDER = 'a folder of YAML files; left out: the bundle that this release decides by';

export function addPolicyCommands(program: Command): void {
  const policy = program.command('policy').description('bundles that say what verbs mean; nothing is sent anywhere');
  policy
    .command('check [folder]')
    .description('report every problem of a bundle with its file, line and column')
    .addHelpText('after', `\n  folder  ${FOLDER}`)
    .action((folder: string | undefined, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const bundle = checked(folder, options);
      if (!bundle) return;
      const { catalog = [], tests = [] } = bundle.value;
      const { digest } = bundle;
      if (options.json)
        return console.log(JSON.stringify({ digest, entries: catalog.length, tests: tests.length, problems: [] }));
      console.log(
        `${green('no problems')}: ${counted(catalog.length, 'entry', 'entries')} in the catalog, ${counted(tests.length, 'test')}`,
      );
      console.log(digest);
    });
  policy
    .command('test [folder]')
    .description('check a bundle and run its tests by the rules of this release')
    .addHelpText('after', `\n  folder  ${FOLDER}`)
    .action((folder: string | undefined, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const bundle = checked(folder, options);
      if (!bundle) return;
      const failures = runPolicyTests(bundle);
      const total = bundle.tests.length;
      if (failures.length > 0) process.exitCode = 1;
      if (options.json)
        return console.log(JSON.stringify({ digest: bundle.digest, passed: total - failures.length, failures }));
      for (const failure of failures) console.log(lineOf(failure));
      const tally = `${total - failures.length} of ${counted(total, 'test')} passed`;
      console.log(failures.length > 0 ? red(tally) : green(tally));
    });
  policy
    .command('schema')
    .description('print the JSON Schema of a bundle, with which editors complete its files')
    .action(() => console.log(JSON.stringify(policySchema(), undefined, 2)));
}

/** Returns a bundle without problems. Prints those that it has, and sets the exit code. */
function checked(folder: string | undefined, { json }: GlobalOptions): CheckedBundle | undefined {
  const result = checkBundle(folder === undefined ? readDefaultBundle() : readFolder(folder));
  if (result.ok) return result.value;
  process.exitCode = 1;
  if (json) console.log(JSON.stringify({ problems: result.error }));
  else for (const problem of result.error) console.log(lineOf(problem));
  return undefined;
}

const lineOf = (problem: Problem): string => plain(problemText(problem));
const counted = (count: number, one: string, several = `${one}s`): string => `${count} ${count === 1 ? one : several}`;

/**
 * Reads the `.yaml` and `.yml` files of a folder and the folders in it; those whose names begin with a dot are left out.
 * @throws UsageError if the folder cannot be read, has none, or has a link
 */
function readFolder(folder: string): BundleFiles {
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
