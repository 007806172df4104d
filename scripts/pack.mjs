// `npm run pack [folder]`: writes a tarball of each published library to packs/ or the given folder. In the repository,
// a package exports its sources, for editors, tests and tools; a packed one exports its build output.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { root, setUp } from './setup.mjs';

setUp();
const destination = resolve(process.argv[2] ?? join(root, 'packs'));
mkdirSync(destination, { recursive: true });
for (const lib of readdirSync(join(root, 'libs'))) {
  const folder = join(root, 'libs', lib);
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
  if (!manifest.private) pack(folder, manifest);
}

/**
 * The `frameworks` of a library become optional peer dependencies. In the repository they are no peers, since npm would
 * then install them in the image as well.
 */
function peersOf(frameworks) {
  if (frameworks === undefined) return {};
  const optional = Object.keys(frameworks).map((name) => [name, { optional: true }]);
  return { peerDependencies: frameworks, peerDependenciesMeta: Object.fromEntries(optional) };
}

function pack(folder, { devDependencies: _, exports: __, frameworks, ...manifest }) {
  const stage = mkdtempSync(join(tmpdir(), 'bailiwick-pack-'));
  try {
    const isPacked = (file) => basename(file) !== '.tsbuildinfo' && !file.endsWith('.map');
    cpSync(join(folder, 'dist'), join(stage, 'dist'), { recursive: true, filter: isPacked });
    cpSync(join(folder, 'README.md'), join(stage, 'README.md'));
    const exports = { './internal/*': null, './*': { types: './dist/*.d.ts', default: './dist/*.js' } };
    writeFileSync(
      join(stage, 'package.json'),
      `${JSON.stringify({ ...manifest, ...peersOf(frameworks), exports }, null, 2)}\n`,
    );
    const packed = spawnSync('npm', ['pack', '--silent', '--pack-destination', destination], {
      cwd: stage,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    if (packed.status !== 0) throw new Error(`npm pack of ${manifest.name} failed`);
    console.log(join(destination, packed.stdout.trim()));
  } finally {
    rmSync(stage, { recursive: true, force: true });
  }
}
