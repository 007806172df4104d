import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '..', '..');
const ROW = /^\| (.+) \| `([\w./-]+\.spec\.ts)` \| (.+) \|$/;

/** The attacks that must have a test, by the word that names each in the page. */
const ATTACKS = [
  ...['replayed', 'stolen', 'widened', 'another audience', 'another issuer', 'mixed up', '`alg`', '`kid`'],
  ...['nested `act`', 'two gateways', 'stale', '`Host`', 'another resource', 'another client', 'another repository'],
  ...['two identities', 'swapped', 'did not show', 'scope `call`', 'look-alike', 'quorum', 'lease was revoked'],
  ...['CSRF', 'redirect is open', 'session is fixed', 'in a URL', 'time that a refusal takes'],
];

describe('docs/identity-attacks.md', () => {
  const rows = readFileSync(join(ROOT, 'docs', 'identity-attacks.md'), 'utf8')
    .split('\n')
    .map((line) => ROW.exec(line))
    .filter((match) => match !== null)
    .map(([, attack, file, test]) => [attack as string, file as string, test as string] as const);

  it.each(ATTACKS)('names a test for %s', (attack) => {
    expect(rows.filter(([each]) => each.includes(attack))).not.toEqual([]);
  });

  it.each(rows)('%s: %s has the test "%s"', (_attack, file, test) => {
    const path = join(ROOT, file);
    expect(existsSync(path)).toBe(true);
    const text = readFileSync(path, 'utf8');
    expect(text).toContain(`'${test}'`);
    expect(text).not.toMatch(/\b(?:it|test|describe)\.(?:skip|todo|only)\b|\bx(?:it|describe)\b/);
  });
});
