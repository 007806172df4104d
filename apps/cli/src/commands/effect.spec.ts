import type { PointsAnswer } from '@bailiwick/contracts/enforcement/points';
import { Command } from 'commander';
import { addWaitOptions, printEffect, type Acknowledged, type Stopped, type WaitFlags } from './effect';

const DONE: Acknowledged<Stopped> = { revocationId: 'rev_0_1', positions: { 'default/0': 8 }, acknowledgedMs: 3 };
const ANSWER: PointsAnswer = {
  log: 'default/0',
  position: 8,
  confirmed: true,
  items: [{ name: 'owner of default/0', kind: 'owner', state: 'enforces' }],
  next: null,
};
const asked = (answer: () => Promise<PointsAnswer>) => ({ enforcementPoints: answer });
const options = (json: boolean) => ({ json, wait: 1_000 }) as WaitFlags;

describe('printEffect', () => {
  const lines: string[] = [];
  beforeEach(() => {
    lines.length = 0;
    jest.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  });
  afterEach(() => {
    process.exitCode = undefined;
    jest.restoreAllMocks();
  });
  const lost = asked(() => Promise.reject(new Error('no gateway answers')));

  it('prints what was stopped although nothing is known of the points, as JSON too, with exit code 1', async () => {
    await printEffect(options(true), DONE, 'revoked rev_0_1', lost);
    expect(lines.map((line): unknown => JSON.parse(line))).toEqual([
      { ...DONE, enforcementUnknown: 'no gateway answers' },
    ]);
    expect(process.exitCode).toBe(1);
    lines.length = 0;
    await printEffect(options(false), DONE, 'revoked rev_0_1', lost);
    expect(lines.join('\n')).toContain('revoked rev_0_1 at default/0:8, acknowledged in 3 ms');
    expect(lines.join('\n')).toContain('no gateway answers. The stop is made and stays made.');
  });

  it('prints that it is in effect once every point has confirmed', async () => {
    await printEffect(
      options(false),
      DONE,
      'revoked rev_0_1',
      asked(() => Promise.resolve(ANSWER)),
    );
    expect(lines.join('\n')).toContain('in effect at 1 of 1 enforcement points');
    expect(process.exitCode).toBeUndefined();
  });
});

it.each([['x'], ['-1'], ['11']])('refuses --wait %s before anything is done', (seconds) => {
  const command = addWaitOptions(new Command('stop')).action(() => {
    throw new Error('done');
  });
  expect(() => command.parse(['--wait', seconds], { from: 'user' })).toThrow('--wait must be a number of seconds');
});
