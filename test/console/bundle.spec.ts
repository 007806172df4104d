import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';

const DIST = join(__dirname, '..', '..', 'apps', 'console', 'dist');
const FIRST_LOAD_MAX = 250 * 1024;
const read = (name: string): Buffer => readFileSync(join(DIST, name));

/** The scripts that a script imports before it runs, and the script itself. */
function withImports(name: string, found = new Set<string>()): Set<string> {
  if (found.has(name)) return found;
  found.add(name);
  const text = read(name).toString();
  for (const [, path] of text.matchAll(/(?:from|import)\s*"(\.\/[^"]+\.js)"/g))
    withImports(join(dirname(name), path as string), found);
  return found;
}

describe('The bundle of the console', () => {
  it('loads at most 250 KB compressed before the live list is shown', () => {
    const html = read('index.html').toString();
    const linked = [...html.matchAll(/(?:src|href)="\/console\/([^"]+\.(?:js|css))"/g)].map(
      ([, name]) => name as string,
    );
    const live = readdirSync(join(DIST, 'assets')).find((name) => /^live-page-.*\.js$/.test(name)) as string;
    const scripts = new Set(
      [...linked.filter((name) => name.endsWith('.js')), `assets/${live}`].flatMap((name) => [...withImports(name)]),
    );
    const styles = linked.filter((name) => name.endsWith('.css'));
    const font = readdirSync(join(DIST, 'assets')).find((name) => name.startsWith('inter-latin-wght')) as string;
    const sizes = [...scripts, ...styles].map((name) => gzipSync(read(name)).length);
    const total = sizes.reduce((sum, size) => sum + size, read(`assets/${font}`).length);
    expect(scripts.size).toBeGreaterThan(2);
    expect(total).toBeLessThan(FIRST_LOAD_MAX);
  });

  it('has no inline script or style in its page', () => {
    const html = read('index.html').toString();
    expect(html).not.toMatch(/<script(?![^>]*\ssrc=)|<style|\son\w+=|style=/);
  });
});
