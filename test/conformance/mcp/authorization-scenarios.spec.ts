import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { authorizationScenarios } from '../../support/mcp/conformance-suite';

const ROOT = resolve(__dirname, '..', '..', '..');

describe('the scenarios about authorization in docs/oauth.md', () => {
  const page = readFileSync(join(ROOT, 'docs', 'oauth.md'), 'utf8');
  const rows = page
    .slice(page.indexOf('### Scenarios of the MCP conformance suite'))
    .split('\n')
    .flatMap((line) => /^\| (`.+`) \| (.+) \|$/.exec(line)?.slice(1, 3) ?? []);

  it('are those of the suite, each once', async () => {
    const named = rows.filter((_, at) => at % 2 === 0).flatMap((cell) => cell.match(/[^`, ]+/g) ?? []);
    expect(named.sort()).toEqual(await authorizationScenarios());
  });

  it('name tests that exist', () => {
    const files = rows.join(' ').match(/(?:apps|test)\/[\w./-]+\.spec\.ts/g) ?? [];
    expect(files.filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
    expect(new Set(files).size).toBeGreaterThan(3);
  });
});
