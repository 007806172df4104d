import { readFileSync } from 'node:fs';
import { itWithShared } from '../../test/support/shared';
import { canonicalize } from './canonical';

describe('canonical JSON (RFC 8785)', () => {
  itWithShared('vectors/rfc8785-jcs.json', 'agrees with all 6 cases of cyberphone/json-canonicalization', async (path) => {
    const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: { name: string; input: string; output: string }[] };
    expect(cases).toHaveLength(6);
    for (const each of cases) expect([each.name, canonicalize(JSON.parse(each.input))]).toEqual([each.name, each.output]);
  });

  it.each([NaN, Infinity, 1n, () => 1, '\ud800', undefined])('refuses %p, which JSON has no word for', (value) => {
    expect(() => canonicalize(value)).toThrow(TypeError);
  });
});
