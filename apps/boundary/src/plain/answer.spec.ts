import { gzipSync } from 'node:zlib';
import { valueDigests } from '@bailiwick/core/value-digests';
import { PlainWorld } from './testing/plain-world';

const ENTRY = { tools: ['http__crm__GET /:id'], verb: 'crm.read', effects: ['read'], risk: 'low' } as const;

describe('the values of an answer that is passed on', () => {
  const world = new PlainWorld([{ ...ENTRY, tools: [...ENTRY.tools], effects: [...ENTRY.effects] }]);
  beforeAll(() => world.start((url) => ({ apis: { crm: { upstream: { url } } } })));
  afterAll(() => world.stop());
  beforeEach(() => world.forget());

  /** Asks once, and returns the text of the answer, the stated values and the preview. */
  async function asked(): Promise<{ text: string; values: unknown; preview: unknown }> {
    const { text } = await world.send('GET', '/http/crm/1');
    await world.outcomes();
    const settled = world.commands.find(({ type }) => type === 'settle');
    const { values, payload } = settled as { values?: unknown; payload?: { value: { preview?: unknown } } };
    return { text, values, preview: payload?.value.preview };
  }

  it('are those of its text, however it is cut into parts', async () => {
    const text = '{"name":"Jürgen Müller","note":"🔒-key-77"}';
    const bytes = Buffer.from(text);
    world.upstream = (_request, response) => {
      response.setHeader('content-type', 'application/json');
      const next = (at: number): unknown =>
        at === bytes.length
          ? response.end()
          : response.write(bytes.subarray(at, at + 1), () => setImmediate(next, at + 1));
      next(0);
    };
    expect(await asked()).toEqual({ text, values: valueDigests(JSON.parse(text)), preview: text });
  });

  it.each<[string, Record<string, string>, Buffer]>([
    [
      'compressed, though it was not asked for',
      { 'content-encoding': 'gzip' },
      gzipSync('{"iban":"DE89370400440532"}'),
    ],
    ['of another charset', { 'content-type': 'text/csv; charset=iso-8859-1' }, Buffer.from('Müllerstraße', 'latin1')],
    ['UTF-16', { 'content-type': 'text/plain; charset=utf-16le' }, Buffer.from('DE89370400440532', 'utf16le')],
    ['no UTF-8', {}, Buffer.from('{"a":"Müllerstraße 7"}', 'latin1')],
    ['cut within a character', {}, Buffer.from('"Müllerstraße 7 🔒').subarray(0, -2)],
    ['of two types', { 'content-type': 'application/json, image/png' }, Buffer.from('{"a":"something"}')],
  ])('are not known, and not stated as none, if it is %s', async (_what, headers, body) => {
    world.upstream = (_request, response) =>
      response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(body);
    expect(await asked()).toMatchObject({ values: undefined, preview: undefined });
  });

  it('are read behind a byte order mark, and in a charset that is named in any case', async () => {
    world.upstream = (_request, response) =>
      response
        .setHeader('content-type', 'application/problem+json; charset="UTF-8"')
        .end('\ufeff{"iban":"DE89370400440532"}');
    expect((await asked()).values).toEqual(valueDigests({ iban: 'DE89370400440532' }));
  });
});
