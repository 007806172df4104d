import fc from 'fast-check';
import { eventsOf, type StreamEvent } from './event-stream';

async function read(chunks: Iterable<Uint8Array>, most = 2_000): Promise<StreamEvent[]> {
  const events: StreamEvent[] = [];
  const body = (async function* () {
    yield* chunks;
  })();
  for await (const event of eventsOf(body, most)) events.push(event);
  return events;
}
const TEXT =
  'id: 7\nretry: 500\ndata: \n\n: comment\n\ndata: {"a":\ndata: "ü"}\nevent: message\n\nid\ndata:x\n\ndata: cut';
const EVENTS = [
  { data: '', id: '7', retry: 500 },
  { data: '{"a":\n"ü"}', id: undefined, retry: undefined },
  { data: 'x', id: undefined, retry: undefined },
];

describe('eventsOf', () => {
  it('reads the data of each event, where the stream is, and how long to wait', async () => {
    expect(await read([Buffer.from(TEXT)])).toEqual(EVENTS);
  });

  it('reads the same from any chunks, with any ends of lines', () =>
    fc.assert(
      fc.asyncProperty(
        fc.constantFrom('\n', '\r\n', '\r'),
        fc.array(fc.nat(TEXT.length * 2), { maxLength: 12 }),
        async (end, cuts) => {
          const bytes = Buffer.from(TEXT.replaceAll('\n', end));
          const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
          expect(await read(at.slice(1).map((to, i) => bytes.subarray(at[i], to)))).toEqual(EVENTS);
        },
      ),
      { numRuns: 200 },
    ));

  it.each(['id: ☃', `id: ${'x'.repeat(1_001)}`, 'retry: -1', 'retry: 1s', 'retry: 9999999999', 'unknown: 1'])(
    'ignores %s',
    async (line) => {
      expect(await read([Buffer.from(`${line}\ndata: 1\n\n`)])).toEqual([
        { data: '1', id: undefined, retry: undefined },
      ]);
    },
  );

  it('ends with an event that is too large', async () => {
    await expect(read([Buffer.from(`data: ${'x'.repeat(2_001)}`)])).rejects.toThrow('too large');
    const many = Array.from({ length: 100 }, () => Buffer.from(`data: ${'x'.repeat(100)}\n\n`));
    expect(await read(many)).toHaveLength(100);
  });
});
