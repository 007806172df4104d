import type { FastifyReply } from 'fastify';
import { LIMITS } from '@bailiwick/core/limits';
import { Refused } from '../http/problems/problem';
import { Reply, Streamed } from '../http/responses/http-response';
import type { RequestContext } from '../http/request-context';
import type { LogClient } from '../log-client/log-client';
import { LogVerification } from './verification';
import { VerificationController } from './verification.controller';

const caller = { kind: 'key', tenant: 'default', role: 'analyst', actor: { kind: 'service', id: 'key:test' } };
const SOUND = { position: 3, root: '', state: 'same', findings: [], ledgerCompared: false };

const controllerOver = (logClient: object): VerificationController =>
  new VerificationController(new LogVerification(logClient as LogClient));

describe('VerificationController', () => {
  it('runs one verification per tenant at a time, and lets few wait', async () => {
    let asking = 0;
    let most = 0;
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const logClient = {
      query: async () => {
        asking += 1;
        most = Math.max(most, asking);
        await held;
        asking -= 1;
        return { position: 3, digest: 'same' };
      },
      ledger: () => Promise.resolve(SOUND),
    };
    const controller = controllerOver(logClient);
    const verify = (tenant = 'default'): Promise<unknown> =>
      controller.verify({ caller: { ...caller, tenant }, request: { headers: {} } } as unknown as RequestContext, {});
    const taken = Array.from({ length: 1 + LIMITS.foldsWaiting }, () => verify());
    await expect(verify()).rejects.toMatchObject({ code: 'TOO_MANY', detail: expect.stringContaining('default') });
    const other = verify('acme');
    expect(asking).toBe(2); // one of each tenant
    release();
    expect(await Promise.all([...taken, other])).toEqual(
      [...taken, other].map(() => expect.objectContaining({ ok: true, position: 3 })),
    );
    expect(most).toBe(2);
    expect(await verify()).toMatchObject({ ok: true, ledgerCompared: false });
  });

  describe('a verification that takes long', () => {
    const RUNNING = { goesOn: true };

    /** Verifies over a ledger that returns these answers in order, and the last of them repeatedly. */
    async function ask(answers: (object | (() => object))[], accept: string, socket = { destroyed: false }) {
      let asked = 0;
      const logClient = {
        query: () => Promise.resolve({ position: 3, digest: 'same' }),
        ledger: async () => {
          const next = answers[Math.min(asked++, answers.length - 1)] as object | (() => object);
          await new Promise(setImmediate);
          return typeof next === 'function' ? (next as () => object)() : next;
        },
      };
      const context = { caller, request: { headers: { accept }, raw: { socket } } } as unknown as RequestContext;
      const reply = await controllerOver(logClient).verify(context, {});
      if (!(reply instanceof Streamed)) return reply;
      let text = '';
      const raw = { writeHead: () => raw, write: (more: string) => (text += more), end: () => undefined };
      await reply.write({ hijack: () => ({ raw }) } as unknown as FastifyReply);
      return text.split('\n').map((line) => (line === '' ? '' : (JSON.parse(line) as unknown)));
    }
    const LINES = 'application/x-ndjson';
    const sound: unknown = expect.objectContaining({ ok: true, position: 3 });
    const progress = { progress: {} };
    const failed = (): never => {
      throw new Refused('NOT_READY', 'the ledger cannot be reached');
    };

    it('writes progress lines to clients that accept lines, then the answer', async () => {
      expect(await ask([RUNNING, RUNNING, SOUND], LINES)).toEqual([progress, progress, { answer: sound }, '']);
      expect(await ask([RUNNING, RUNNING, SOUND], 'application/json')).toEqual(sound);
      const soon = (await ask([SOUND], LINES)) as Reply;
      expect(soon.content).toEqual({ type: LINES, text: expect.any(String) });
      expect(JSON.parse((soon.content as { text: string }).text)).toEqual({ answer: sound });
    });

    it('reports an error as a line after the first line, with its status before it', async () => {
      const problem: unknown = expect.objectContaining({ status: 503, code: 'NOT_READY' });
      expect(await ask([RUNNING, failed], LINES)).toEqual([progress, { problem }, '']);
      await expect(ask([failed], LINES)).rejects.toMatchObject({ code: 'NOT_READY' });
    });

    it.each([LINES, 'application/json'])('ends when the client is gone: %s', async (accept) => {
      const socket = { destroyed: false };
      const leave = (): object => {
        socket.destroyed = true;
        return RUNNING;
      };
      const gone: unknown = await ask([RUNNING, leave, SOUND], accept, socket).catch((error: unknown) => error);
      expect(JSON.stringify([gone, String(gone)])).toContain('the client is gone');
      expect(await ask([SOUND], 'application/json')).toEqual(sound); // its turn is free
    });
  });
});
