import type { Announcement } from '@bailiwick/messaging/commit-message';
import type { Timer } from '@bailiwick/core/clock';
import { Announcer } from './announcer';

const commit = (from: number, next: number): Announcement => ({ log: 'default/0', from, next, time: `t${next}` });

describe('Announcer', () => {
  const published: Announcement[] = [];
  let pass: (() => void) | undefined;
  const timer: Timer = (_ms, act) => {
    pass = act;
    return () => (pass = undefined);
  };
  let announcer: Announcer;
  beforeEach(() => {
    published.splice(0);
    pass = undefined;
    announcer = new Announcer((each) => published.push(each), timer);
  });

  it('publishes the first commit at once', () => {
    announcer.announce(commit(0, 3));
    expect(published).toEqual([commit(0, 3)]);
  });

  it('publishes the following commits together after the interval, and then stops its timer', () => {
    announcer.announce(commit(0, 3));
    announcer.announce(commit(3, 4));
    announcer.announce(commit(4, 9));
    expect(published).toEqual([commit(0, 3)]);
    pass?.();
    expect(published).toEqual([commit(0, 3), commit(3, 9)]);
    announcer.announce(commit(9, 10));
    expect(published).toHaveLength(2);
    pass?.();
    pass?.();
    announcer.announce(commit(10, 11));
    expect(published.slice(2)).toEqual([commit(9, 10), commit(10, 11)]);
  });

  it('publishes the pending commits once on stop, and none after that', () => {
    announcer.announce(commit(0, 1));
    announcer.announce(commit(1, 2));
    announcer.stop();
    announcer.stop();
    expect(published).toEqual([commit(0, 1), commit(1, 2)]);
    expect(pass).toBeUndefined();
  });
});
