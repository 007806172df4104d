import type { Command } from 'commander';
import { policySchema } from '@bailiwick/contracts/policy/policy-bundle';
import type { CheckedBundle } from '@bailiwick/policy/bundle';
import type { GlobalOptions } from '../context';
import { green, red } from '../render';
import { addDeploymentCommands } from './policy-deployment';
import { addDeriveCommand } from './derive';
import { addDiffCommand } from './policy-diff';
import { lineOf, readFolder } from './policy-folder';
import { addRespondersCommand } from './policy-responders';
import { addShadowCommand } from './policy-shadow';
import { addSignalsCommand } from './policy-signals';

const FOLDER = 'a folder of YAML files; left out: the bundle that this release decides by';

export function addPolicyCommands(program: Command): void {
  const policy = program.command('policy').description('bundles that state what verbs mean');
  policy
    .command('check [folder]')
    .description('report every problem of a bundle with its file, line and column')
    .addHelpText('after', `\n  folder  ${FOLDER}`)
    .action(async (folder: string | undefined, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const bundle = await checked(folder, options);
      if (!bundle) return;
      const { catalog = [], rules, tests = [] } = bundle.value;
      const { digest } = bundle;
      if (options.json)
        return console.log(
          JSON.stringify({
            digest,
            entries: catalog.length,
            rules: rules?.length ?? null,
            tests: tests.length,
            problems: [],
          }),
        );
      console.log(
        `${green('no problems')}: ${counted(catalog.length, 'entry', 'entries')} in the catalog, ${rulesText(rules)}, ${counted(tests.length, 'test')}`,
      );
      console.log(digest);
    });
  policy
    .command('test [folder]')
    .description('check a bundle and run its tests by the rules of this release')
    .addHelpText('after', `\n  folder  ${FOLDER}`)
    .action(async (folder: string | undefined, _flags, command: Command) => {
      const options = command.optsWithGlobals<GlobalOptions>();
      const bundle = await checked(folder, options);
      if (!bundle) return;
      const { runPolicyTests } = await import('@bailiwick/policy/rehearsal/run-policy-tests');
      const failures = runPolicyTests(bundle);
      const total = bundle.tests.length;
      if (failures.length > 0) process.exitCode = 1;
      if (options.json)
        return console.log(JSON.stringify({ digest: bundle.digest, passed: total - failures.length, failures }));
      for (const failure of failures) console.log(lineOf(failure));
      const tally = `${total - failures.length} of ${counted(total, 'test')} passed`;
      console.log(failures.length > 0 ? red(tally) : green(tally));
    });
  addDiffCommand(policy);
  addDeploymentCommands(policy);
  addShadowCommand(policy);
  addSignalsCommand(policy);
  addRespondersCommand(policy);
  addDeriveCommand(policy);
  policy
    .command('schema')
    .description('print the JSON Schema of a bundle, with which editors complete its files')
    .action(() => console.log(JSON.stringify(policySchema(), undefined, 2)));
}

/**
 * Returns a bundle without problems. Prints those that it has, and sets the exit code. What reads bundles is loaded here,
 * so that no other command waits for it.
 */
async function checked(folder: string | undefined, { json }: GlobalOptions): Promise<CheckedBundle | undefined> {
  const { checkBundle } = await import('@bailiwick/policy/bundle');
  const { readDefaultBundle } = await import('@bailiwick/policy/default-bundle');
  const result = checkBundle(folder === undefined ? readDefaultBundle() : readFolder(folder));
  if (result.ok) return result.value;
  process.exitCode = 1;
  if (json) console.log(JSON.stringify({ problems: result.error }));
  else for (const problem of result.error) console.log(lineOf(problem));
  return undefined;
}

const rulesText = (rules: CheckedBundle['value']['rules']): string =>
  rules === undefined ? 'the rules of the release' : counted(rules.length, 'rule');

const counted = (count: number, one: string, several = `${one}s`): string => `${count} ${count === 1 ? one : several}`;
