import type { ArgumentsHost } from '@nestjs/common';
import { lastValueFrom } from 'rxjs';
import { QueueFullError } from '../serial-queue';
import { z } from 'zod';
import { InvalidPayload, RefusedError } from './refused-error';
import { RefusalFilter } from './refusal.filter';
import { ZodPipe } from './zod.pipe';

describe('ZodPipe', () => {
  const pipe = new ZodPipe(z.strictObject({ page: z.strictObject({ limit: z.number() }) }));

  it('returns a payload that matches the schema', () => {
    expect(pipe.transform({ page: { limit: 1 } })).toEqual({ page: { limit: 1 } });
  });

  it.each([
    [{ page: { limit: 'x' } }, /^page\.limit: /],
    [{ page: { limit: 1 }, more: 1 }, /^Unrecognized key: "more"/],
    [undefined, /^Invalid input/],
  ])('refuses %j with the path of the first error', (payload, message) => {
    expect(() => pipe.transform(payload)).toThrow(InvalidPayload);
    expect(() => pipe.transform(payload)).toThrow(message);
  });
});

describe('RefusalFilter', () => {
  const logged: unknown[] = [];
  const filter = new RefusalFilter({
    error: (entry: unknown) => void logged.push(entry),
  });
  const host = {
    switchToRpc: () => ({ getContext: () => ({ getSubject: () => 'bailiwick.ledger.runs' }) }),
  } as unknown as ArgumentsHost;
  beforeEach(() => void logged.splice(0));

  it.each([
    [new InvalidPayload('x'), 'BAD_REQUEST', 'x'],
    [new RefusedError('NOT_READY', 'x'), 'NOT_READY', 'x'],
    [new QueueFullError('x'), 'TOO_MANY', 'x'],
  ])('answers %p with the refusal %s', async (error, code, detail) => {
    expect(await lastValueFrom(filter.catch(error, host))).toEqual({ ok: false, refusal: { code, detail } });
    expect(logged).toEqual([]);
  });

  it('logs any other error with its subject, and fails the request without the text of the error', async () => {
    const error = Object.assign(new Error('password=secret'), { code: '23505', detail: 'Key (x)=(secret)' });
    await expect(lastValueFrom(filter.catch(error, host))).rejects.toEqual({
      status: 'error',
      message: 'Internal server error',
    });
    expect(logged).toEqual([{ err: error, subject: 'bailiwick.ledger.runs' }]);
  });
});
