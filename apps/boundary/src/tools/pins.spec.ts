import { readDefinition, serverDigest, type Definition } from './definition';
import { quarantineOf, type Pin } from './pins';

const define = (name: string, more: object = {}): Definition =>
  readDefinition(JSON.stringify({ name, description: 'reads', inputSchema: {}, ...more }));
const ID = `sha256:${'1'.repeat(64)}`;
const pinOf = (all: readonly Definition[], identity = ID): Pin => ({
  identity,
  tools: Object.fromEntries(all.map(({ name, digest }) => [name, digest])),
});

describe('quarantineOf', () => {
  const read = define('read');

  it('admits exactly what was approved', () => {
    expect(quarantineOf(read, [read], ID, pinOf([read]))).toBeUndefined();
  });

  it.each<[string, Definition, Pin | undefined, string]>([
    ['nothing is approved', read, undefined, 'new-server'],
    ['the name stands for another server now', read, pinOf([read], `sha256:${'2'.repeat(64)}`), 'new-server'],
    ['it was renamed', define('read_all'), pinOf([read]), 'new-tool'],
    ['its name is a member of every object', define('constructor'), pinOf([read]), 'new-tool'],
    ['it was described again', define('read', { description: 'reads, and sends' }), pinOf([read]), 'changed'],
    ['a member was added that no client shows', define('read', { 'x-hidden': 1 }), pinOf([read]), 'changed'],
  ])('keeps a tool in quarantine if %s', (_what, tool, pin, why) => {
    expect(quarantineOf(tool, [tool], ID, pin)).toBe(why);
  });

  it('admits no tool of two whose names a policy does not distinguish', () => {
    const all = [read, define('READ')];
    for (const each of all) expect(quarantineOf(each, all, ID, pinOf(all))).toBe('shadows');
  });
});

describe('readDefinition', () => {
  it.each<[string, string]>([
    ['states a member twice', '{"name":"x","description":"a","description":"b"}'],
    ['has a name with spaces', '{"name":"x y"}'],
    ['has no name', '{}'],
    ['is no object', '7'],
    ['is too long', JSON.stringify({ name: 'x', description: 'a'.repeat(70_000) })],
  ])('finds a definition unusable that %s', (_what, raw) => {
    expect(readDefinition(raw).fault).toBeDefined();
  });

  it('has the same digest however the definition is spaced and ordered', () => {
    const [one, other] = [readDefinition('{"name":"x","a":1}'), readDefinition('{ "a": 1.0, "name": "x" }')];
    expect(one.digest).toBe(other.digest);
    expect(serverDigest(ID, [one])).toBe(serverDigest(ID, [other]));
    expect(serverDigest(ID, [one])).not.toBe(serverDigest(ID, []));
  });
});
