import fc from 'fast-check';
import { LIMITS } from '@bailiwick/core/limits';
import type { AppendEvent } from '../port';
import { batch, type Logs } from './logs';
import { ODD_JSON } from './odd-json';

export function appendContract(logs: () => Logs): void {
  describe('appending', () => {
    it('numbers the events of a log from 0, with no gap, across appends of any size', async () => {
      const log = await logs().fresh();
      let next = 0;
      for (const size of [1, 3, 2, 1]) {
        expect(await logs().eventlog.append(log, next, batch(log, next, size))).toEqual({
          ok: true,
          next: next + size,
        });
        next += size;
      }
      expect((await logs().all(log)).map((event) => event.position)).toEqual([0, 1, 2, 3, 4, 5, 6]);
      expect(await logs().eventlog.head(log)).toBe(7);
    });

    it('numbers each log separately', async () => {
      const [one, two] = [await logs().fresh(), await logs().fresh()];
      await logs().eventlog.append(one, 0, batch(one, 0, 2));
      expect(await logs().eventlog.append(two, 0, batch(two, 0, 1))).toEqual({ ok: true, next: 1 });
      expect([await logs().eventlog.head(one), await logs().eventlog.head(two)]).toEqual([2, 1]);
    });

    it.each([
      ['that is taken', 2],
      ['at the start of a log that has events', 0],
      ['ahead of the log, which would leave a gap', 4],
    ])('refuses a position %s, and writes nothing', async (_why, position) => {
      const log = await logs().fresh();
      await logs().eventlog.append(log, 0, batch(log, 0, 3));
      const before = await logs().all(log);
      expect(await logs().eventlog.append(log, position, batch(log, position, 2, 'late'))).toMatchObject({
        ok: false,
        reason: 'conflict',
      });
      expect(await logs().all(log)).toEqual(before);
    });

    it('writes nothing of a batch whose first position alone is taken', async () => {
      const log = await logs().fresh();
      await logs().eventlog.append(log, 0, batch(log, 0, 2));
      expect(await logs().eventlog.append(log, 1, batch(log, 1, 3, 'late'))).toMatchObject({
        ok: false,
        reason: 'conflict',
      });
      expect(await logs().bodies(log)).toEqual(batch(log, 0, 2).map((event) => event.body));
    });

    it('writes nothing after `notAfter` by the clock of the store, and the whole batch before it', async () => {
      const log = await logs().fresh();
      const past = Date.now() - 5_000;
      expect(await logs().eventlog.append(log, 0, batch(log, 0, 3), undefined, past)).toMatchObject({
        ok: false,
        reason: 'late',
      });
      expect(await logs().eventlog.head(log)).toBe(0);
      expect(await logs().eventlog.append(log, 0, batch(log, 0, 3), undefined, Date.now() + 60_000)).toEqual({
        ok: true,
        next: 3,
      });
    });

    it('refuses a log that was not created', async () => {
      expect(await logs().eventlog.append('missing/7', 0, batch('missing/7', 0, 1))).toMatchObject({
        ok: false,
        reason: 'conflict',
      });
      expect(await logs().all('missing/7')).toEqual([]);
    });

    it('lets exactly one of 20 concurrent appends at one position win, and keeps its whole batch (I5)', async () => {
      const log = await logs().fresh();
      for (let next = 0; next < 9; next += 3) {
        const writers = Array.from({ length: 20 }, (_, i) => `writer${i}`);
        const results = await Promise.all(
          writers.map((who) => logs().eventlog.append(log, next, batch(log, next, 3, who))),
        );
        const winners = writers.filter((_, i) => results[i]?.ok);
        expect(winners).toHaveLength(1);
        expect(results.filter((result) => !result.ok && result.reason === 'conflict')).toHaveLength(19);
        const written = (await logs().bodies(log)).slice(next);
        expect(written).toEqual(batch(log, next, 3, winners[0]).map((event) => event.body));
      }
    });

    it.each<[string, (log: string) => AppendEvent[]]>([
      ['no event', () => []],
      ['a position out of line', (log) => [...batch(log, 0, 1), ...batch(log, 2, 1)]],
      ['more events than a batch may have', (log) => batch(log, 0, LIMITS.appendBatchEvents + 1)],
      [
        'a body that is too large',
        (log) =>
          batch(log, 0, 1).map((event) => ({ ...event, body: JSON.stringify('é'.repeat(LIMITS.eventBodyBytes / 2)) })),
      ],
      [
        'a payload that is too large',
        (log) =>
          batch(log, 0, 1).map((event) => ({ ...event, payload: JSON.stringify('é'.repeat(LIMITS.payloadBytes / 2)) })),
      ],
      ['one of another tenant', (log) => batch(log, 0, 2).map((event, i) => (i ? { ...event, tenant: 'x' } : event))],
      ['an empty id', (log) => batch(log, 0, 1).map((event) => ({ ...event, treeId: '' }))],
      ['an id in two', (log) => batch(log, 0, 1).map((event) => ({ ...event, actionId: 'a\u0001b' }))],
      ['a body in two', (log) => batch(log, 0, 1).map((event) => ({ ...event, body: '1\u00012' }))],
    ])('throws for a batch with %s, and writes nothing', async (_what, events) => {
      const log = await logs().fresh();
      await expect(logs().eventlog.append(log, 0, events(log))).rejects.toThrow(RangeError);
      expect(await logs().eventlog.head(log)).toBe(0);
    });

    it('accepts a batch, a body and a payload of exactly the maximum size', async () => {
      const log = await logs().fresh();
      const [first, ...rest] = batch(log, 0, LIMITS.appendBatchEvents);
      const most = {
        ...(first as AppendEvent),
        body: `"${'x'.repeat(LIMITS.eventBodyBytes - 2)}"`,
        payload: `"${'y'.repeat(LIMITS.payloadBytes - 2)}"`,
      };
      expect(await logs().eventlog.append(log, 0, [most, ...rest])).toEqual({
        ok: true,
        next: LIMITS.appendBatchEvents,
      });
      expect((await logs().eventlog.read(log, 0, 1))[0]).toMatchObject({ body: most.body, payload: most.payload });
    });
  });

  describe('storing', () => {
    it('returns type, time, body and payload as they were appended', async () => {
      const log = await logs().fresh();
      const [bare, full, odd] = batch(log, 0, 3) as [AppendEvent, AppendEvent, AppendEvent];
      const ends = { ...odd, time: '9999-12-31T23:59:59.999Z', body: '"\\u0001"', payload: ' "\\u0001–\u{1f9ed}" ' };
      await logs().eventlog.append(log, 0, [bare, { ...full, payload: '{"salt":"s", "value":{}}' }, ends]);
      expect(await logs().all(log)).toEqual([
        { log, position: 0, type: bare.type, time: bare.time, body: bare.body, payload: null },
        { log, position: 1, type: full.type, time: full.time, body: full.body, payload: '{"salt":"s", "value":{}}' },
        { log, position: 2, type: odd.type, time: ends.time, body: ends.body, payload: ends.payload },
      ]);
    });

    it.each(ODD_JSON)('keeps every byte of %s', async (_what, text) => {
      const log = await logs().fresh();
      await logs().eventlog.append(
        log,
        0,
        batch(log, 0, 1).map((event) => ({ ...event, body: text, payload: text })),
      );
      const [event] = await logs().all(log);
      expect([event?.body, event?.payload]).toEqual([text, text]);
    });

    it('keeps every byte of any JSON, indented in any way', async () => {
      const indents = fc.constantFrom(undefined, 1, '\t', ' \n');
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.tuple(fc.jsonValue(), indents), { minLength: 1, maxLength: 10 }),
          async (values) => {
            const log = await logs().fresh();
            const texts = values.map(([value, indent]) => JSON.stringify(value, null, indent));
            await logs().eventlog.append(
              log,
              0,
              batch(log, 0, texts.length).map((event, i) => ({ ...event, body: texts[i] as string })),
            );
            expect(await logs().bodies(log)).toEqual(texts);
          },
        ),
        { numRuns: 40, seed: 20260101 },
      );
    });
  });
}
