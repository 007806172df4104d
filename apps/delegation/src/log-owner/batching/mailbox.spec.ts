import { Mailbox } from './mailbox';

describe('a mailbox', () => {
  const LONG = 600_000;

  it('hands out all that waits at once, in the order it came', async () => {
    const mailbox = new Mailbox<number>();
    for (const item of [1, 2, 3]) mailbox.put(item);
    expect(await mailbox.take(10, LONG)).toEqual([1, 2, 3]);
    expect(mailbox.length).toBe(0);
  });

  it('hands out no more than asked for, and keeps the rest in its order', async () => {
    const mailbox = new Mailbox<number>();
    for (const item of [1, 2, 3]) mailbox.put(item);
    expect(await mailbox.take(2, LONG)).toEqual([1, 2]);
    expect(await mailbox.take(2, LONG)).toEqual([3]);
  });

  it('refuses what is over its limit, and takes again once something was taken', async () => {
    const mailbox = new Mailbox<number>(2);
    expect([mailbox.put(1), mailbox.put(2), mailbox.put(3)]).toEqual([true, true, false]);
    expect(await mailbox.take(1, LONG)).toEqual([1]);
    expect(mailbox.put(4)).toBe(true);
    expect(await mailbox.take(9, LONG)).toEqual([2, 4]);
  });

  it('wakes who waits for something with the first thing that comes', async () => {
    const mailbox = new Mailbox<number>();
    const taken = mailbox.take(9, LONG);
    mailbox.put(1);
    expect(await taken).toEqual([1]);
  });

  it('gives nothing where nothing came in time, or where it was nudged', async () => {
    const mailbox = new Mailbox<number>();
    expect(await mailbox.take(9, 0)).toEqual([]);
    const taken = mailbox.take(9, LONG);
    mailbox.nudge();
    expect(await taken).toEqual([]);
  });
});
