import type { FastifyReply } from 'fastify';
import { LIMITS } from '@bailiwick/core/limits';
import { Refused } from '../http/problem';
import type { Context } from '../http/route';
import { readingRoutes } from './reading';

const route = readingRoutes.find(({ path }) => path === '/v1/log/verification');
const caller = { kind: 'key', tenant: 'default', role: 'analyst', actor: { kind: 'service', id: 'key:test' } };
const SOUND = { position: 3, root: '', state: 'same', findings: [] };

describe('verifying a log', () => {
  it('asks its owner once at a time, however many want it; few may wait', async () => {
    let asking = 0;
    let most = 0;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const owners = {
      query: async () => {
        asking += 1;
        most = Math.max(most, asking);
        await held;
        asking -= 1;
        return { position: 3, digest: 'same' };
      },
      ledger: () => Promise.resolve(SOUND),
    };
    const verify = (tenant = 'default'): Promise<unknown> =>
      route!.handle({
        caller: { ...caller, tenant },
        query: {},
        services: { owners },
        request: { headers: {} },
      } as unknown as Context<never, never, never>);
    const taken = Array.from({ length: 1 + LIMITS.foldsWaiting }, () => verify());
    await expect(verify()).rejects.toMatchObject({ code: 'TOO_MANY', detail: expect.stringContaining('default') });
    const other = verify('acme');
    expect(asking).toBe(2); // one of each tenant
    release();
    expect(await Promise.all([...taken, other])).toEqual(
      [...taken, other].map(() => ({ body: expect.objectContaining({ ok: true, position: 3 }) })),
    );
    expect(most).toBe(2);
    expect(await verify()).toMatchObject({ body: { ok: true } });
  });

  describe('that takes long', () => {
    const GOES_ON = { goesOn: true };

    /** Asks a ledger that answers so, one after the other; the last again and again. */
    async function ask(answers: (object | (() => object))[], accept: string, socket = { destroyed: false }) {
      let asked = 0;
      const owners = {
        query: () => Promise.resolve({ position: 3, digest: 'same' }),
        ledger: async () => {
          const next = answers[Math.min(asked++, answers.length - 1)] as object | (() => object);
          await new Promise(setImmediate);
          return typeof next === 'function' ? (next as () => object)() : next;
        },
      };
      const context = { caller, query: {}, services: { owners }, request: { headers: { accept }, raw: { socket } } };
      const reply = await route!.handle(context as unknown as Context<never, never, never>);
      if (!('stream' in reply)) return reply;
      let text = '';
      const raw = { writeHead: () => raw, write: (more: string) => (text += more), end: () => undefined };
      await reply.stream({ hijack: () => ({ raw }) } as unknown as FastifyReply);
      return text.split('\n').map((line) => (line === '' ? '' : (JSON.parse(line) as unknown)));
    }
    const LINES = 'application/x-ndjson';
    const sound: unknown = expect.objectContaining({ ok: true, position: 3 });
    const goesOn = { progress: {} };
    const failed = (): never => {
      throw new Refused('NOT_READY', 'the ledger cannot be reached');
    };

    it('says to whoever takes lines that it goes on, so that no client gives it up, and then the answer', async () => {
      expect(await ask([GOES_ON, GOES_ON, SOUND], LINES)).toEqual([goesOn, goesOn, { answer: sound }, '']);
      expect(await ask([GOES_ON, GOES_ON, SOUND], 'application/json')).toEqual({ body: sound });
      const soon = (await ask([SOUND], LINES)) as { type: string; text: string };
      expect([soon.type, JSON.parse(soon.text)]).toEqual([LINES, { answer: sound }]);
    });

    it('and what went wrong: as a line where lines have begun, with its status where they have not', async () => {
      const problem: unknown = expect.objectContaining({ status: 503, code: 'NOT_READY' });
      expect(await ask([GOES_ON, failed], LINES)).toEqual([goesOn, { problem }, '']);
      await expect(ask([failed], LINES)).rejects.toMatchObject({ code: 'NOT_READY' });
    });

    it.each([LINES, 'application/json'])('is not asked about once the client is gone: %s', async (accept) => {
      const socket = { destroyed: false };
      const leave = (): object => {
        socket.destroyed = true;
        return GOES_ON;
      };
      const gone: unknown = await ask([GOES_ON, leave, SOUND], accept, socket).catch((error: unknown) => error);
      expect(JSON.stringify([gone, String(gone)])).toContain('the client is gone');
      expect(await ask([SOUND], 'application/json')).toEqual({ body: sound }); // its turn is another's
    });
  });
});
