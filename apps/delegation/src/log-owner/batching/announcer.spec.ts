import type { Announcement } from '@bailiwick/messaging/cloudevent';
import type { Timer } from '@bailiwick/core/clock';
import { Announcer } from './announcer';

const commit = (from: number, next: number): Announcement => ({ log: 'default/0', from, next, time: `t${next}` });

describe('announcing', () => {
  const said: Announcement[] = [];
  let pass: (() => void) | undefined;
  const timer: Timer = (_ms, act) => {
    pass = act;
    return () => (pass = undefined);
  };
  let announcer: Announcer;
  beforeEach(() => {
    said.splice(0);
    pass = undefined;
    announcer = new Announcer((each) => said.push(each), timer);
  });

  it('tells the first commit at once', () => {
    announcer.announce(commit(0, 3));
    expect(said).toEqual([commit(0, 3)]);
  });

  it('tells those that follow it together, when the time is over, and then rests', () => {
    announcer.announce(commit(0, 3));
    announcer.announce(commit(3, 4));
    announcer.announce(commit(4, 9));
    expect(said).toEqual([commit(0, 3)]);
    pass?.();
    expect(said).toEqual([commit(0, 3), commit(3, 9)]);
    announcer.announce(commit(9, 10));
    expect(said).toHaveLength(2);
    pass?.();
    pass?.();
    announcer.announce(commit(10, 11));
    expect(said.slice(2)).toEqual([commit(9, 10), commit(10, 11)]);
  });

  it('tells what is left when it stops, once, and nothing later', () => {
    announcer.announce(commit(0, 1));
    announcer.announce(commit(1, 2));
    announcer.stop();
    announcer.stop();
    expect(said).toEqual([commit(0, 1), commit(1, 2)]);
    expect(pass).toBeUndefined();
  });
});
