import type { Answer, CommandReply } from '@bailiwick/contracts/command';
import { Reply } from './reply';

const answer = (value: unknown): Answer => ({ ok: true, value });
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(() => setImmediate(resolve)));

describe('the reply to a message of commands', () => {
  const parts: CommandReply[] = [];
  beforeEach(() => parts.splice(0));
  const reply = (count: number, prompt = count): Reply => new Reply(count, prompt, (part) => parts.push(part));

  it('is one message if all answers are ready in one turn', async () => {
    const three = reply(3);
    for (const i of [2, 0, 1]) three.take(i, answer(i));
    expect(await three.rest).toEqual({ answers: [0, 1, 2].map(answer) });
    await turn();
    expect(parts).toEqual([]);
  });

  it('sends at once what is ready, and the slow answer after it', async () => {
    const three = reply(3);
    three.take(0, answer('a'));
    three.take(2, answer('c'));
    await turn();
    expect(parts).toEqual([{ answers: [answer('a'), answer('c')], of: [0, 2] }]);
    three.take(1, answer('b'));
    expect(await three.rest).toEqual({ answers: [answer('b')], of: [1] });
  });

  it('sends a part without answers once all is written and only the answers take longer', async () => {
    const two = reply(2);
    two.committed();
    await turn();
    expect(parts).toEqual([]);
    two.committed();
    await turn();
    expect(parts).toEqual([{ answers: [], of: [] }]);
  });

  it('sends it at once if every command has to be prepared first, and only once', async () => {
    const one = reply(1, 0);
    await turn();
    await turn();
    expect(parts).toEqual([{ answers: [], of: [] }]);
    one.take(0, answer(1));
    expect(await one.rest).toEqual({ answers: [answer(1)], of: [0] });
  });
});
