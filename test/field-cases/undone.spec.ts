import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { UNDONE } from './undone';

const ROOT = resolve(__dirname, '..', '..');

it.each(UNDONE.map((each) => [each.number, each] as const))(
  'the edit that reverts the fix of %s applies exactly once, and its tests exist',
  (_number, { file, find, spec }) => {
    expect(readFileSync(join(ROOT, file), 'utf8').split(find)).toHaveLength(2);
    expect(existsSync(join(ROOT, spec))).toBe(true);
  },
);
