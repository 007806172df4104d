import { EveryLog } from './every-log';
import { pauseUntil } from '../testing/follow-world';

describe('EveryLog', () => {
  let logs: string[];
  let followed: string[];
  let errors: unknown[];
  let failing: Error | undefined;
  let lists: number;
  let held: Promise<string[]> | undefined;
  let every: EveryLog;

  beforeEach(() => {
    [logs, followed, errors, failing, lists] = [['default/0', 'default/1'], [], [], undefined, 0];
    held = undefined;
    every = new EveryLog({
      list: () => {
        lists += 1;
        if (held) return held;
        return failing ? Promise.reject(failing) : Promise.resolve(logs);
      },
      follow: (log) => followed.push(log),
      onError: (error) => errors.push(error),
      everyMs: 1,
    });
  });
  afterEach(() => every.stop());

  it('follows the present logs before it has started, and later ones once', async () => {
    await every.start();
    expect(followed).toEqual(['default/0', 'default/1']);
    logs = ['default/0', 'other/0', 'default/1'];
    await pauseUntil(() => followed.includes('other/0'));
    const before = lists;
    await pauseUntil(() => lists > before + 1);
    expect(followed).toEqual(['default/0', 'default/1', 'other/0']);
  });

  it('does not start if the logs cannot be listed', async () => {
    failing = new Error('no database');
    await expect(every.start()).rejects.toThrow('no database');
  });

  it('follows no log of a list that was being read when it stopped, and lists no more', async () => {
    let answer = (_logs: string[]): void => undefined;
    held = new Promise((resolve) => (answer = resolve));
    const starting = every.start();
    every.stop();
    answer(['late/0']);
    await starting;
    let others = 0;
    const other = new EveryLog({
      list: () => {
        others += 1;
        return Promise.resolve([]);
      },
      follow: () => undefined,
      onError: () => undefined,
      everyMs: 1,
    });
    await other.start();
    await pauseUntil(() => others > 3);
    other.stop();
    expect(followed).toEqual([]);
    expect(lists).toBe(1);
  });

  it('reports a later failure and lists again', async () => {
    await every.start();
    failing = new Error('no database');
    await pauseUntil(() => errors.length > 0);
    expect(errors[0]).toBe(failing);
    failing = undefined;
    logs = ['other/0'];
    await pauseUntil(() => followed.includes('other/0'));
  });
});
