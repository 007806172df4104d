import type { Command } from 'commander';
import { ProblemError } from '@bailiwick/client/client';
import type { DeployedPolicy, PolicyAnswer } from '@bailiwick/contracts/policy/deployment';
import { nameOf, refsAbout, type PersonNames } from '@bailiwick/contracts/people/person-names';
import type { BundleFiles } from '@bailiwick/policy/bundle';
import type { Problem } from '@bailiwick/policy/problem';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { readable } from '../names';
import { green, plain, red, table } from '../render';
import { filesOf } from './policy-files';
import { lineOf, readFolder } from './policy-folder';

interface DeployFlags extends GlobalOptions {
  replaces?: string;
}

export function addDeploymentCommands(policy: Command): void {
  policy
    .command('deploy <folder>')
    .description('check a bundle, run its tests and deploy it: it decides from the next action on')
    .option('--replaces <version>', 'deploy only if this version is in force; left out: the version in force now')
    .action(async (folder: string, _flags, command: Command) => {
      const options = command.optsWithGlobals<DeployFlags>();
      const files = readFolder(folder);
      const replaces = options.replaces === undefined ? undefined : versionOf('--replaces', options.replaces);
      await deploy(options, files, replaces);
    });
  policy
    .command('show [version]')
    .description('a version with its bundle, as JSON; left out: the one in force, 0: that of the release')
    .action(async (version: string | undefined, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const shown = await clientFor(options, 'admin').policy(
        version === undefined ? undefined : versionOf('version', version),
      );
      if (options.json) return console.log(JSON.stringify(shown));
      console.log(headOf(readable(shown)));
      for (const line of namesOf(shown)) console.log(line);
      console.log(JSON.stringify(shown.bundle, undefined, 2));
    });
  policy
    .command('history')
    .description('the deployed versions, newest first')
    .action((_flags, command: Command) => history(command.optsWithGlobals<GlobalOptions>()));
  policy
    .command('rollback <version>')
    .description('deploy the bundle of an earlier version again, as a new version; 0: that of the release')
    .action(async (text: string, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const version = versionOf('version', text);
      if (version === 0) {
        const { readDefaultBundle } = await import('@bailiwick/policy/default-bundle');
        return deploy(options, readDefaultBundle(), undefined);
      }
      const { bundle } = await clientFor(options, 'admin').policy(version);
      await deploy(options, filesOf(bundle), undefined);
    });
}

/** @param replaces left out: the version in force, which is read first */
async function deploy(options: GlobalOptions, files: BundleFiles, replaces: number | undefined): Promise<void> {
  const client = clientFor(options, 'admin');
  try {
    const done = await client.deployPolicy(files, replaces ?? (await client.policies()).current);
    if (options.json) return console.log(JSON.stringify(done));
    console.log(`${green('deployed')} version ${done.version} at position ${done.position}`);
    console.log(done.digest);
  } catch (error) {
    const problems = error instanceof ProblemError ? (error.body.problems as Problem[] | undefined) : undefined;
    if (!problems) throw error;
    process.exitCode = 1;
    if (options.json) return console.log(JSON.stringify({ problems }));
    for (const problem of problems) console.log(lineOf(problem));
    console.log(red('not deployed'));
  }
}

async function history(options: GlobalOptions): Promise<void> {
  const client = clientFor(options, 'admin');
  const first = await client.policies();
  const items = [...first.items];
  const shown = [...readable(first).items];
  for (let { next } = first; next !== null;) {
    const page = await client.policies(next);
    items.push(...page.items);
    shown.push(...readable(page).items);
    next = page.next;
  }
  if (options.json) return console.log(JSON.stringify({ current: first.current, items }));
  if (items.length === 0) return console.log('version 0, the bundle of the release, is in force; none was deployed');
  console.log(table(['version', 'deployed', 'by', 'position', 'digest'], shown.map(rowOf)));
}

const rowOf = ({ version, at, by, position, digest }: DeployedPolicy): string[] => [
  String(version),
  at,
  plain(by),
  String(position),
  digest.slice(0, 'sha256:'.length + 12),
];

const headOf = ({ version, at, by, digest }: PolicyAnswer): string =>
  version === 0
    ? `version 0, of the release, ${digest}`
    : `version ${version}, deployed ${at} by ${plain(by ?? 'an unknown actor')}, ${digest}`;

/** The bundle is printed as it is deployed, with refs, so that it can be deployed again; these lines name their people. */
const namesOf = ({ bundle, names = {} }: PolicyAnswer & { readonly names?: PersonNames }): string[] =>
  refsAbout(bundle).map((ref) => `${ref}: ${plain(nameOf(ref, names))}`);

function versionOf(what: string, text: string): number {
  if (!/^(0|[1-9]\d{0,14})$/.test(text))
    throw new UsageError(`${what} must be a version, such as 3, not ${JSON.stringify(text)}`);
  return Number(text);
}
