import type { Answer, CommandReply } from '@bailiwick/contracts/commands/command';
import { Reply } from './reply';

const answer = (value: unknown): Answer => ({ ok: true, value });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('Reply', () => {
  const parts: CommandReply[] = [];
  beforeEach(() => parts.splice(0));
  const reply = (count: number, prompt = count): Reply => new Reply(count, prompt, (part) => parts.push(part));

  it('sends one message if all responses are ready in one turn of the event loop', async () => {
    const three = reply(3);
    for (const i of [2, 0, 1]) three.take(i, answer(i));
    expect(await three.rest).toEqual({ answers: [0, 1, 2].map(answer) });
    await turn();
    expect(parts).toEqual([]);
  });

  it('sends ready responses at once, and a slow one after them', async () => {
    const three = reply(3);
    three.take(0, answer('a'));
    three.take(2, answer('c'));
    await turn();
    expect(parts).toEqual([{ answers: [answer('a'), answer('c')], of: [0, 2] }]);
    three.take(1, answer('b'));
    expect(await three.rest).toEqual({ answers: [answer('b')], of: [1] });
  });

  it('sends a part without responses once all commands are committed and no response is ready', async () => {
    const two = reply(2);
    two.committed();
    await turn();
    expect(parts).toEqual([]);
    two.committed();
    await turn();
    expect(parts).toEqual([{ answers: [], of: [] }]);
  });

  it('sends that part at once, and only once, if every command needs preparation', async () => {
    const one = reply(1, 0);
    await turn();
    await turn();
    expect(parts).toEqual([{ answers: [], of: [] }]);
    one.take(0, answer(1));
    expect(await one.rest).toEqual({ answers: [answer(1)], of: [0] });
  });
});
