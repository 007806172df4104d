import { Mailbox } from './mailbox';

describe('Mailbox', () => {
  const LONG = 600_000;

  it('hands out all waiting items at once, in order of arrival', async () => {
    const mailbox = new Mailbox<number>();
    for (const item of [1, 2, 3]) mailbox.put(item);
    expect(await mailbox.take(10, LONG)).toEqual([1, 2, 3]);
    expect(mailbox.length).toBe(0);
  });

  it('hands out at most the requested number of items, and keeps the others in order', async () => {
    const mailbox = new Mailbox<number>();
    for (const item of [1, 2, 3]) mailbox.put(item);
    expect(await mailbox.take(2, LONG)).toEqual([1, 2]);
    expect(await mailbox.take(2, LONG)).toEqual([3]);
  });

  it('refuses items over its limit until some are taken', async () => {
    const mailbox = new Mailbox<number>(2);
    expect([mailbox.put(1), mailbox.put(2), mailbox.put(3)]).toEqual([true, true, false]);
    expect(await mailbox.take(1, LONG)).toEqual([1]);
    expect(mailbox.put(4)).toBe(true);
    expect(await mailbox.take(9, LONG)).toEqual([2, 4]);
  });

  it('ends the wait of take with the first item', async () => {
    const mailbox = new Mailbox<number>();
    const taken = mailbox.take(9, LONG);
    mailbox.put(1);
    expect(await taken).toEqual([1]);
  });

  it('hands out no item after the wait has timed out or was ended by nudge', async () => {
    const mailbox = new Mailbox<number>();
    expect(await mailbox.take(9, 0)).toEqual([]);
    const taken = mailbox.take(9, LONG);
    mailbox.nudge();
    expect(await taken).toEqual([]);
  });
});
