import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { addCommands, COMMAND_GROUPS } from './command-groups';

const program = (): Command =>
  new Command().option('--url <url>').option('--key <key>').option('--data <dir>').option('--json');
const added = async (argv: readonly string[]): Promise<string[]> => {
  const to = program();
  await addCommands(to, argv);
  return to.commands.map((each) => each.name());
};

describe('the commands of bailiwick', () => {
  it('are named as the module of each group adds them', async () => {
    for (const { names, add } of COMMAND_GROUPS) {
      const to = program();
      await add(to);
      expect(to.commands.map((each) => each.name())).toEqual(names);
    }
  });

  it('of every module that adds some to the program are in a group', () => {
    const table = readFileSync(join(__dirname, 'command-groups.ts'), 'utf8');
    const folder = join(__dirname, 'commands');
    const modules = readdirSync(folder).filter((file) =>
      /^export function add\w+\(program: Command\)/m.test(readFileSync(join(folder, file), 'utf8')),
    );
    expect(modules.length).toBeGreaterThan(20);
    expect(modules.filter((file) => !table.includes(`commands/${file.slice(0, -3)}'`))).toEqual([]);
  });

  it('are loaded with their own group only, wherever the options of the program stand', async () => {
    for (const argv of [
      ['log', 'verify'],
      ['--json', 'log'],
      ['--key', 'runs', '--data=x', 'log', '--url', 'grants'],
    ])
      expect(await added(argv)).toEqual(['log']);
  });

  it.each([
    ['without a command'],
    ['for the help', '--help'],
    ['for the help of a command', 'help', 'log'],
    ['for an unknown command', 'lgo'],
  ])('are all there %s', async (_what, ...argv) =>
    expect(await added(argv)).toEqual(COMMAND_GROUPS.flatMap(({ names }) => names)),
  );
});
