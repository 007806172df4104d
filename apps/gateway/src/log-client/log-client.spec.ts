import type { Bus } from '@bailiwick/messaging/connect';
import type { Command } from '@bailiwick/contracts/command';
import { LIMITS } from '@bailiwick/core/limits';
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
const done = ({ commands }: Message): BusReply => ({
  value: { answers: commands.map((each) => ({ ok: true, value: each.commandId })) },
});

describe('commands for one log', () => {
  it('that come in one turn travel together, and each gets its own answer', async () => {
    const { bus, sent } = busThat((_subject, message: Message) => done(message));
    const logClient = new LogClient(bus);
    const ids = Array.from({ length: 10 }, (_, i) => `cmd_0000000${i}`);
    expect(await Promise.all(ids.map((id) => logClient.command(command(id))))).toEqual(ids);
    expect(sent.map(([subject]) => subject)).toEqual(['bailiwick.command.default.0']);
  });

  it('never travel in a message of more than 256', async () => {
    const { bus, sent } = busThat((_subject, message: Message) => done(message));
    const logClient = new LogClient(bus);
    await Promise.all(
      Array.from({ length: 600 }, (_, i) => logClient.submit(command(`cmd_${String(i).padStart(8, '0')}`))),
    );
    expect(Math.max(...sent.map(([, message]) => (message as Message).commands.length))).toBeLessThanOrEqual(256);
  });

  it('of one request travel in one message, so that they are decided in their order', async () => {
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

  it('leave nothing behind once they are answered, whatever logs the ids of callers name', async () => {
    const { bus } = busThat((_subject, message: Message) => done(message));
    const logClient = new LogClient(bus);
    const logs = Array.from({ length: 50 }, (_, n) => `default/${n}`);
    const kept = (logClient as unknown as { queues: Map<string, unknown> }).queues;
    await Promise.all(logs.map((log, n) => logClient.submit(command(`cmd_${String(n).padStart(8, '0')}`, log))));
    expect(kept.size).toBe(0);
    // one that comes while another is on its way shares its log's queue, and is answered
    const all = ['cmd_a0000000', 'cmd_b0000000'].map((id) => logClient.command(command(id)));
    expect(await Promise.all(all)).toEqual(['cmd_a0000000', 'cmd_b0000000']);
    await new Promise(setImmediate);
    expect(kept.size).toBe(0);
  });

  it('that are too large together go in halves, in their order, with their own ids', async () => {
    const { bus, sent } = busThat((_subject, message: Message) =>
      message.commands.length > 2 ? { fails: 'TOO_LARGE' } : done(message),
    );
    const logClient = new LogClient(bus);
    const ids = Array.from({ length: 7 }, (_, i) => `cmd_0000000${i}`);
    expect(await Promise.all(ids.map((id) => logClient.command(command(id))))).toEqual(ids);
    const carried = sent.map(([, message]) => (message as Message).commands).filter((each) => each.length <= 2);
    expect(carried.flat().map((each) => each.commandId)).toEqual(ids);
  });

  it('one that is too large by itself is refused, and the others with it are answered', async () => {
    const { bus } = busThat((_subject, message: Message) =>
      message.commands.some((each) => each.commandId === 'cmd_00000001') ? { fails: 'TOO_LARGE' } : done(message),
    );
    const logClient = new LogClient(bus);
    const sent = ['cmd_00000000', 'cmd_00000001', 'cmd_00000002'].map((id) => logClient.command(command(id)));
    expect((await refusalOf(sent[1]!)).code).toBe('TOO_LARGE');
    expect(await Promise.all([sent[0], sent[2]])).toEqual(['cmd_00000000', 'cmd_00000002']);
  });

  it('are sent again with the same ids where no answer came', async () => {
    let silent = 2;
    const { bus, sent } = busThat((_subject, message: Message) =>
      silent-- > 0 ? { fails: 'TIMEOUT' } : done(message),
    );
    expect(await new LogClient(bus).command(command('cmd_00000001'))).toBe('cmd_00000001');
    expect(new Set(sent.map(([, message]) => JSON.stringify(message))).size).toBe(1);
    expect(sent).toHaveLength(3);
  });

  it.each<[string, unknown]>([
    ['of no known form', { answers: [{ ok: 'yes' }] }],
    ['for fewer than were asked', { answers: [] }],
    ['that is nothing', null],
  ])('are refused on an answer %s', async (_what, value) => {
    const { bus } = busThat(() => ({ value }));
    expect((await refusalOf(new LogClient(bus).command(command('cmd_00000001')))).code).toBe('INTERNAL');
  });

  it('tell the code of a refusal, and a code outside the closed list as a fault of ours', async () => {
    for (const [code, told] of [
      ['GRANT_NOT_LIVE', 'GRANT_NOT_LIVE'],
      ['SOMETHING_ELSE', 'INTERNAL'],
      ['constructor', 'INTERNAL'],
    ]) {
      const { bus } = busThat(() => ({ value: { answers: [{ ok: false, refusal: { code, detail: 'why' } }] } }));
      expect((await refusalOf(new LogClient(bus).command(command('cmd_00000001')))).code).toBe(told);
    }
  });
});

describe('answers that come in parts', () => {
  const okay = (value: unknown) => ({ ok: true, value });

  it('are given when they come, and what is slow holds up no other command of its message or of its log', async () => {
    let finish = (): void => undefined;
    const slow = new Promise<void>((resolve) => (finish = resolve));
    const sent: Message[] = [];
    const bus = {
      listen: () => () => undefined,
      request: async (_subject: string, message: Message, _ms: number, options?: { onPart?(part: unknown): void }) => {
        sent.push(message);
        const of = message.commands.flatMap((each, i) => (each.commandId.startsWith('cmd_slow') ? [] : [i]));
        const said = of.map((i) => okay(message.commands[i]?.commandId));
        if (of.length === message.commands.length) return { ok: true, value: { answers: said } };
        options?.onPart?.({ answers: said, of });
        await slow;
        const rest = message.commands.flatMap((_, i) => (of.includes(i) ? [] : [i]));
        return { ok: true, value: { answers: rest.map((i) => okay(message.commands[i]?.commandId)), of: rest } };
      },
    } as unknown as Bus;
    const logClient = new LogClient(bus);
    const late = ['cmd_slow0000', 'cmd_slow0001'].map((id) => logClient.command(command(id)));
    expect(await logClient.command(command('cmd_00000001'))).toBe('cmd_00000001');
    // more slow messages than may be on their way at once
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
    ['one that nobody asked about', { answers: [okay(1)], of: [7] }, []],
    ['more numbers than answers', { answers: [okay(1)], of: [0, 1] }, []],
    ['commands left out', { answers: [okay(1)], of: [0] }, []],
    ['nothing after a part', { answers: [], of: [] }, [{ answers: [okay(1)], of: [1] }]],
  ])('are refused with %s', async (_what, value, parts) => {
    const { bus } = busThat(() => ({ value, parts }));
    const logClient = new LogClient(bus);
    const asked = ['cmd_00000000', 'cmd_00000001'].map((id) => logClient.command(command(id)).catch((e: unknown) => e));
    expect(await Promise.all(asked)).toContainEqual(expect.objectContaining({ code: 'INTERNAL' }));
  });

  it('name how many commands each request has', async () => {
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

describe('a command that may not be done after its client was refused (issue 13.13)', () => {
  const notReady = { value: { answers: [{ ok: false, refusal: { code: 'NOT_READY', detail: 'busy' } }] } };

  it('carries a deadline that ends before the gateway gives up, the same with every try', async () => {
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

  it('is answered NOT_READY at once if its only copy was refused', async () => {
    const { bus, sent } = busThat(() => notReady);
    expect((await refusalOf(new LogClient(bus).command(command('cmd_00000001')))).code).toBe('NOT_READY');
    expect(sent).toHaveLength(1);
  });

  it('is asked about again after a NOT_READY while an earlier copy may still be carried out', async () => {
    const replies: BusReply[] = [{ fails: 'TIMEOUT' }, notReady, { value: { answers: [{ ok: true, value: 'done' }] } }];
    const { bus, sent } = busThat(() => replies.shift() as BusReply);
    expect(await new LogClient(bus).command(command('cmd_00000001'))).toBe('done');
    expect(sent).toHaveLength(3);
  });
});

describe('a log whose owner is stopped', () => {
  const never = new Promise<never>(() => undefined);

  it('answers commands and questions as soon as another owns it, with the same ids', async () => {
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
    let others = 'waits';
    void asked[2]?.then(() => (others = 'told'));
    await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toHaveLength(3);
    stopped = false;
    for (const strange of [undefined, 7, {}, { log: 7 }]) owned(strange);
    owned({ log: 'default/0' });
    expect(await Promise.all(asked.slice(0, 2))).toEqual(['cmd_00000001', 'state']);
    expect(sent).toHaveLength(5);
    expect(others).toBe('waits');
    owned({ log: 'other/0' });
    expect(await asked[2]).toBe('cmd_00000002');
  });
});

describe('a log that nobody serves', () => {
  const logs = (...names: string[]): BusReply => ({ value: { ok: true, value: { logs: names } } });

  it('is not found where the tenant has no such log', async () => {
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

  it('is waited for where the tenant has it: its next owner answers', async () => {
    let without = 2;
    const { bus, sent } = busThat((subject, message: Message) => {
      if (subject.includes('.admin.')) return logs('default/0');
      return without-- > 0 ? { fails: 'NO_RESPONDERS' } : done(message);
    });
    expect(await new LogClient(bus).command(command('cmd_00000001'))).toBe('cmd_00000001');
    expect(sent.filter(([subject]) => subject === 'bailiwick.admin.logs')[0]?.[1]).toEqual({ tenant: 'default' });
  });

  it('is waited for where nobody can say whether it is there', async () => {
    let without = 2;
    const { bus } = busThat((subject, message: Message) => {
      if (subject.includes('.admin.')) return { fails: 'NO_RESPONDERS' };
      return without-- > 0 ? { fails: 'NO_RESPONDERS' } : done(message);
    });
    expect(await new LogClient(bus).command(command('cmd_00000001'))).toBe('cmd_00000001');
  });
});
