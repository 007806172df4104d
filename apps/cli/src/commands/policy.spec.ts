import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { UsageError } from '../context';
import { addPolicyCommands } from './policy';

describe('bailiwick policy', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bailiwick-policy-'));
  });
  afterEach(() => {
    process.exitCode = undefined;
    rmSync(folder, { recursive: true });
  });

  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  /** Runs a command. @returns what it printed, and its exit code */
  async function run(...args: string[]): Promise<{ lines: string[]; code: typeof process.exitCode }> {
    const lines: string[] = [];
    const log = jest.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
    try {
      const program = new Command().option('--json').option('--data <dir>').exitOverride();
      addPolicyCommands(program);
      await program.parseAsync(['policy', ...args], { from: 'user' });
    } finally {
      log.mockRestore();
    }
    const code = process.exitCode;
    process.exitCode = undefined;
    return { lines, code };
  }

  const TEST = (decision: string): string => `tests:
  - name: a parcel is sent after a person agrees
    lease: { actions: { allow: ['**'] }, resources: [{ type: '*', match: '**' }], budget: { calls: 1, external: 1 } }
    call: { verb: parcel.ship, resource: { type: parcel, id: p-1 } }
    expect: { decision: ${decision} }
`;

  it('reports no problems of the default bundle, and its tests pass', async () => {
    expect((await run('check')).lines[0]).toMatch(/^no problems: \d+ entries in the catalog, \d+ rules, \d+ tests$/);
    const { lines, code } = await run('test');
    expect(lines).toEqual([expect.stringMatching(/^(\d+) of \1 tests passed$/)]);
    expect(code).toBeUndefined();
  });

  it('reports each problem with its file, line, column and the nearest known name', async () => {
    mkdirSync(join(folder, 'teams'));
    write('a.yaml', 'catalog:\n  - match: [parcel.ship]\n    effect: [external]\n');
    write('teams/b.yml', 'catalogue: []\n');
    write('notes.txt', 'not: [yaml');
    const { lines, code } = await run('check', folder);
    expect(lines).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^a\.yaml:3:5: catalog\.0.*effect.*did you mean effects\?$/),
        expect.stringMatching(/^teams\/b\.yml:1:1: .*catalogue.*did you mean catalog\?$/),
      ]),
    );
    expect(code).toBe(1);
    const json = JSON.parse((await run('check', folder, '--json')).lines[0] as string) as { problems: unknown[] };
    expect(json.problems).toHaveLength(lines.length);
  });

  it('fails with the place of each test that gets another decision', async () => {
    write('catalog.yaml', 'catalog:\n  - match: [parcel.ship]\n    effects: [external]\n    risk: medium\n');
    write('tests.yaml', TEST('deny'));
    const { lines, code } = await run('test', folder);
    expect(lines).toEqual([
      expect.stringMatching(/^tests\.yaml:5:\d+: .*a parcel is sent after a person agrees.*should get deny/),
      '0 of 1 test passed',
    ]);
    expect(code).toBe(1);
    write('tests.yaml', TEST('permit'));
    expect(await run('test', folder)).toEqual({ lines: ['1 of 1 test passed'], code: undefined });
  });

  it('derives a manifest without problems from recorded runs, which a task and its class select', async () => {
    const of = (suite: string, goal: string, to: string): string =>
      JSON.stringify({
        ...{ id: goal, suite, model: 'm', goal, class: 'benign' },
        calls: [{ tool: 'send_email', args: { recipients: [to], body: 'x' }, result: 'sent' }],
      });
    const runs = [of('mail', 'write to ann', 'ann@example.com'), of('mail', 'write to bob', 'bob@example.com')];
    write('runs.jsonl', [...runs, of('bank', 'write to eve', 'eve@example.com')].join('\n'));
    const derive = ['derive', '--class', 'mail', '--data', join(folder, 'runs.jsonl')];
    const { lines } = await run(...derive, '--task', 'ANN');
    expect(lines.join('\n')).toMatch(/Derived from 1 clean run\..*ann@example\.com/s);
    expect(lines.join('\n')).not.toMatch(/bob@|eve@/);
    write('derived.yaml', lines.join('\n'));
    expect((await run('check', folder)).lines[0]).toMatch(/^no problems/);
    await expect(run(...derive, '--task', 'carol')).rejects.toThrow('no clean run of mail');
    await expect(run(...derive, '--unused')).rejects.toThrow(UsageError);
  });

  it('derives for a task from runs whose task names other values, and has only its own', async () => {
    const goal = 'pay 120 to DE89370400440532013000';
    const paid = {
      ...{ id: '1', suite: 'bank', model: 'm', goal, class: 'benign' },
      calls: [{ tool: 'send_money', args: { recipient: 'DE89370400440532013000', amount: 120 }, result: 'sent' }],
    };
    write('runs.jsonl', JSON.stringify(paid));
    const derive = ['derive', '--class', 'bank', '--data', join(folder, 'runs.jsonl'), '--for'];
    const { lines } = await run(...derive, 'pay 250 to AT611904300234573201');
    expect(lines.join('\n')).toMatch(/Derived from 1 clean run\..*AT611904300234573201/s);
    expect(lines.join('\n')).not.toContain('DE8937');
    await expect(run(...derive, 'pay nothing')).rejects.toThrow('no clean run of bank');
  });

  it.each([
    ['diff', '--last', 'all'],
    ['diff', '--against', '-1'],
    ['shadow', 'policy'],
    ['shadow', '--for', '24h'],
    ['signals', '--since', 'yesterday'],
  ])('refuses %s %s %s', async (...args) => {
    await expect(run(...args.filter((each) => each !== undefined))).rejects.toThrow(UsageError);
  });

  it.each([
    ['is missing', () => join(folder, 'none'), /ENOENT/],
    ['has no YAML files', () => folder, /no files that end with \.yaml or \.yml/],
    ['has a link', () => (symlinkSync('/etc/hostname', join(folder, 'a.yaml')), folder), /is not a file/],
  ])('refuses a folder that %s', async (_, path, message) => {
    await expect(run('check', path())).rejects.toThrow(message);
  });
});
