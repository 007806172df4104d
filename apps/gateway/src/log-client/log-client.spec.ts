import type { Bus } from '@bailiwick/messaging/connect';
import type { Command } from '@bailiwick/contracts/commands/command';
import { LIMITS } from '@bailiwick/core/limits';
import { CommandBatcher } from '@bailiwick/edge/owners/command-batcher';
import { LogClient } from './log-client';
import { busThat, type BusReply } from '../testing/bus';
import { refusalOf } from '../testing/tokens';

interface Message {
  commands: Command[];
}
const command = (commandId: string, log = 'default/0'): Command => ({
  type: 'completeRun',
  log,
  commandId,
  actor: { kind: 'service', id: 'x' },
  runId: 'run_0_00000000000000000000000000',
});
const doneValue = ({ commands }: Message) => ({
  answers: commands.map((each) => ({ ok: true, value: each.commandId })),
});
const done = (message: Message): BusReply => ({ value: doneValue(message) });

describe('LogClient: commands for one log', () => {
  it('shares one message between commands of one turn, and answers each command', async () => {
    const { bus, sent } = busThat((_subject, message: Message) => done(message));
    const logClient = new LogClient(bus);
    const ids = Array.from({ length: 10 }, (_, i) => `cmd_0000000${i}`);
    expect(await Promise.all(ids.map((id) => logClient.command(command(id))))).toEqual(ids);
    expect(sent.map(([subject]) => subject)).toEqual(['bailiwick.command.default.0']);
  });

  it('sends at most 256 commands in a message', async () => {
    const { bus, sent } = busThat((_subject, message: Message) => done(message));
    const logClient = new LogClient(bus);
    await Promise.all(
      Array.from({ length: 600 }, (_, i) => logClient.submit(command(`cmd_${String(i).padStart(8, '0')}`))),
    );
    expect(Math.max(...sent.map(([, message]) => (message as Message).commands.length))).toBeLessThanOrEqual(256);
  });

  it('sends the commands of one request in one message, so that they are decided in order', async () => {
    const { bus, sent } = busThat((_subject, message: Message) => done(message));
    const logClient = new LogClient(bus);
    const ids = (of: string, n: number) =>
      Array.from({ length: n }, (_, i) => `cmd_${of}${String(i).padStart(7, '0')}`);
    const requests = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((of) => ids(of, LIMITS.actionsPerBatch));
    const single = ids('x', 30).map((id) => logClient.submit(command(id)));
    const all = requests.map((each) => logClient.submitAll(each.map((id) => command(id))));
    expect(await Promise.all(all)).toEqual(requests.map((each) => each.map((value) => ({ ok: true, value }))));
    await Promise.all(single);
    const carried = sent.map(([, message]) => (message as Message).commands.map((each) => each.commandId));
    expect(carried.length).toBeGreaterThan(1);
    expect(Math.max(...carried.map((each) => each.length))).toBeLessThanOrEqual(LIMITS.commandsPerMessage);
    for (const request of requests)
      expect(carried.filter((each) => each.some((id) => request.includes(id)))).toEqual([
        expect.arrayContaining(request),
      ]);
  });

  it('keeps no queue once the commands of a log are answered', async () => {
    const batcher = new CommandBatcher({
      sendCommands: (_log, body) => Promise.resolve({ ok: true, value: doneValue(body as Message) }),
      refuseUnknown: () => Promise.resolve(),
    });
    const logs = Array.from({ length: 50 }, (_, n) => `default/${n}`);
    await Promise.all(logs.map((log, n) => batcher.submit(command(`cmd_${String(n).padStart(8, '0')}`, log))));
    expect(batcher.size).toBe(0);
    // two commands that share a queue
    const ids = ['cmd_a0000000', 'cmd_b0000000'];
    const all = ids.map((id) => batcher.submit(command(id)));
    expect(await Promise.all(all)).toEqual(ids.map((value) => ({ ok: true, value })));
    await new Promise(setImmediate);
    expect(batcher.size).toBe(0);
  });

  it('halves a message that is too large, and keeps the order and the ids of its commands', async () => {
    const { bus, sent } = busThat((_subject, message: Message) =>
      message.commands.length > 2 ? { fails: 'TOO_LARGE' } : done(message),
    );
    const logClient = new LogClient(bus);
    const ids = Array.from({ length: 7 }, (_, i) => `cmd_0000000${i}`);
    expect(await Promise.all(ids.map((id) => logClient.command(command(id))))).toEqual(ids);
    const carried = sent.map(([, message]) => (message as Message).commands).filter((each) => each.length <= 2);
    expect(carried.flat().map((each) => each.commandId)).toEqual(ids);
  });

  it('refuses a command that is too large even alone, and answers the others of its message', async () => {
    const { bus } = busThat((_subject, message: Message) =>
      message.commands.some((each) => each.commandId === 'cmd_00000001') ? { fails: 'TOO_LARGE' } : done(message),
    );
    const logClient = new LogClient(bus);
    const sent = ['cmd_00000000', 'cmd_00000001', 'cmd_00000002'].map((id) => logClient.command(command(id)));
    expect((await refusalOf(sent[1]!)).code).toBe('TOO_LARGE');
    expect(await Promise.all([sent[0], sent[2]])).toEqual(['cmd_00000000', 'cmd_00000002']);
  });

  it('resends commands with the same ids if no response arrives', async () => {
    let silent = 2;
    const { bus, sent } = busThat((_subject, message: Message) =>
      silent-- > 0 ? { fails: 'TIMEOUT' } : done(message),
    );
    expect(await new LogClient(bus).command(command('cmd_00000001'))).toBe('cmd_00000001');
    expect(new Set(sent.map(([, message]) => JSON.stringify(message))).size).toBe(1);
    expect(sent).toHaveLength(3);
  });

  it.each<[string, unknown]>([
    ['is malformed', { answers: [{ ok: 'yes' }] }],
    ['has too few answers', { answers: [] }],
    ['is null', null],
  ])('fails with INTERNAL if the response %s', async (_case, value) => {
    const { bus } = busThat(() => ({ value }));
    expect((await refusalOf(new LogClient(bus).command(command('cmd_00000001')))).code).toBe('INTERNAL');
  });

  it('passes on the code of a refusal, and reports an unknown code as INTERNAL', async () => {
    for (const [code, expected] of [
      ['GRANT_NOT_LIVE', 'GRANT_NOT_LIVE'],
      ['SOMETHING_ELSE', 'INTERNAL'],
      ['constructor', 'INTERNAL'],
    ]) {
      const { bus } = busThat(() => ({ value: { answers: [{ ok: false, refusal: { code, detail: 'why' } }] } }));
      expect((await refusalOf(new LogClient(bus).command(command('cmd_00000001')))).code).toBe(expected);
    }
  });
});

describe('LogClient: responses in parts', () => {
  const okay = (value: unknown) => ({ ok: true, value });

  it('resolves each part on arrival, and a slow command delays no other command of its message or log', async () => {
    let finish = (): void => undefined;
    const slow = new Promise<void>((resolve) => (finish = resolve));
    const sent: Message[] = [];
    const bus = {
      listen: () => () => undefined,
      request: async (_subject: string, message: Message, _ms: number, options?: { onPart?(part: unknown): void }) => {
        sent.push(message);
        const of = message.commands.flatMap((each, i) => (each.commandId.startsWith('cmd_slow') ? [] : [i]));
        const given = of.map((i) => okay(message.commands[i]?.commandId));
        if (of.length === message.commands.length) return { ok: true, value: { answers: given } };
        options?.onPart?.({ answers: given, of });
        await slow;
        const rest = message.commands.flatMap((_, i) => (of.includes(i) ? [] : [i]));
        return { ok: true, value: { answers: rest.map((i) => okay(message.commands[i]?.commandId)), of: rest } };
      },
    } as unknown as Bus;
    const logClient = new LogClient(bus);
    const late = ['cmd_slow0000', 'cmd_slow0001'].map((id) => logClient.command(command(id)));
    expect(await logClient.command(command('cmd_00000001'))).toBe('cmd_00000001');
    // more slow messages than the limit of messages in flight
    for (let i = 10; i < 30; i++) {
      late.push(logClient.command(command(`cmd_slow00${i}`)));
      await new Promise(setImmediate);
    }
    expect(await logClient.command(command('cmd_00000002'))).toBe('cmd_00000002');
    finish();
    expect(await Promise.all(late)).toHaveLength(22);
    expect(new Set(sent.flatMap(({ commands }) => commands.map(({ commandId }) => commandId))).size).toBe(24);
  });

  it.each<[string, unknown, unknown[]]>([
    ['an answer to an unknown command', { answers: [okay(1)], of: [7] }, []],
    ['more numbers than answers', { answers: [okay(1)], of: [0, 1] }, []],
    ['too few answers', { answers: [okay(1)], of: [0] }, []],
    ['nothing after the first part', { answers: [], of: [] }, [{ answers: [okay(1)], of: [1] }]],
  ])('fails with INTERNAL on %s', async (_case, value, parts) => {
    const { bus } = busThat(() => ({ value, parts }));
    const logClient = new LogClient(bus);
    const asked = ['cmd_00000000', 'cmd_00000001'].map((id) => logClient.command(command(id)).catch((e: unknown) => e));
    expect(await Promise.all(asked)).toContainEqual(expect.objectContaining({ code: 'INTERNAL' }));
  });

  it('sends the number of commands of each request', async () => {
    const { bus, sent } = busThat((_subject, message: Message) => done(message));
    const logClient = new LogClient(bus);
    await Promise.all([
      logClient.submit(command('cmd_00000000')),
      logClient.submitAll([command('cmd_00000001'), command('cmd_00000002')]),
      logClient.submitAll([command('cmd_00000003'), command('cmd_00000004')]),
    ]);
    expect((sent[0]?.[1] as { requests: number[] }).requests).toEqual([1, 2, 2]);
  });
});

describe('LogClient: a command whose client gets NOT_READY must not run later (issue 13.13)', () => {
  const notReady = { value: { answers: [{ ok: false, refusal: { code: 'NOT_READY', detail: 'busy' } }] } };

  it('sends a deadline before the time limit of the gateway, the same with every attempt', async () => {
    let silent = 2;
    const { bus, sent } = busThat((_subject, message: Message) =>
      silent-- > 0 ? { fails: 'TIMEOUT' } : done(message),
    );
    const before = Date.now();
    await new LogClient(bus).command(command('cmd_00000001'));
    const deadlines = sent.map(([, message]) => (message as Message).commands[0]?.deadline as number);
    expect(new Set(deadlines).size).toBe(1);
    expect(deadlines[0]).toBeGreaterThanOrEqual(before + LIMITS.commandTimeoutMs - LIMITS.clockBackMs);
    expect(deadlines[0]).toBeLessThanOrEqual(Date.now() + LIMITS.commandTimeoutMs - LIMITS.clockBackMs);
  });

  it('answers NOT_READY at once if the owner refused the only copy', async () => {
    const { bus, sent } = busThat(() => notReady);
    expect((await refusalOf(new LogClient(bus).command(command('cmd_00000001')))).code).toBe('NOT_READY');
    expect(sent).toHaveLength(1);
  });

  it('resends a command after NOT_READY while an earlier copy may still run', async () => {
    const replies: BusReply[] = [{ fails: 'TIMEOUT' }, notReady, { value: { answers: [{ ok: true, value: 'done' }] } }];
    const { bus, sent } = busThat(() => replies.shift() as BusReply);
    expect(await new LogClient(bus).command(command('cmd_00000001'))).toBe('done');
    expect(sent).toHaveLength(3);
  });
});

describe('LogClient: a log whose owner has stopped', () => {
  const never = new Promise<never>(() => undefined);

  it('resends commands and queries with the same ids as soon as the log has another owner', async () => {
    let stopped = true;
    const { bus, sent, owned } = busThat((subject, message: Message) => {
      if (stopped) return never;
      return subject.includes('.query.') ? { value: { ok: true, value: 'state' } } : done(message);
    });
    const logClient = new LogClient(bus);
    const asked = [
      logClient.command(command('cmd_00000001')),
      logClient.query({ op: 'head', log: 'default/0' }),
      logClient.command(command('cmd_00000002', 'other/0')),
    ];
    let other = 'waits';
    void asked[2]?.then(() => (other = 'answered'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toHaveLength(3);
    stopped = false;
    for (const strange of [undefined, 7, {}, { log: 7 }]) owned(strange);
    owned({ log: 'default/0' });
    expect(await Promise.all(asked.slice(0, 2))).toEqual(['cmd_00000001', 'state']);
    expect(sent).toHaveLength(5);
    expect(other).toBe('waits');
    owned({ log: 'other/0' });
    expect(await asked[2]).toBe('cmd_00000002');
  });
});

describe('LogClient: a log without an owner', () => {
  const logs = (...names: string[]): BusReply => ({ value: { ok: true, value: { logs: names } } });

  it('answers NOT_FOUND if the tenant has no such log', async () => {
    const { bus } = busThat((subject) =>
      subject.includes('.admin.') ? logs('default/0') : { fails: 'NO_RESPONDERS' },
    );
    const logClient = new LogClient(bus);
    const asked = [
      () => logClient.command(command('cmd_00000001', 'default/9')),
      () => logClient.query({ op: 'head', log: 'default/9' }),
    ];
    for (const each of asked) expect((await refusalOf(each())).code).toBe('NOT_FOUND');
  });

  it('waits for the next owner if the tenant has the log', async () => {
    let without = 2;
    const { bus, sent } = busThat((subject, message: Message) => {
      if (subject.includes('.admin.')) return logs('default/0');
      return without-- > 0 ? { fails: 'NO_RESPONDERS' } : done(message);
    });
    expect(await new LogClient(bus).command(command('cmd_00000001'))).toBe('cmd_00000001');
    expect(sent.filter(([subject]) => subject === 'bailiwick.admin.logs')[0]?.[1]).toEqual({ tenant: 'default' });
  });

  it('waits for the next owner if the list of logs is unavailable', async () => {
    let without = 2;
    const { bus } = busThat((subject, message: Message) => {
      if (subject.includes('.admin.')) return { fails: 'NO_RESPONDERS' };
      return without-- > 0 ? { fails: 'NO_RESPONDERS' } : done(message);
    });
    expect(await new LogClient(bus).command(command('cmd_00000001'))).toBe('cmd_00000001');
  });
});
