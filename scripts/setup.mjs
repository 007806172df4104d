// Set-up shared by `npm start` and `npm test`: installs the packages, then builds; skips each step that is up to date.
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  mkdirSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = dirname(dirname(fileURLToPath(import.meta.url)));

function run(command, args, what) {
  const result = spawnSync(command, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.status !== 0) throw new Error(`${what} failed (${command} ${args.join(' ')})`);
}

const digest = (text) => createHash('sha256').update(text).digest('hex');

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19))
    throw new Error(`Node ${process.versions.node} is too old: 20.19 or newer is needed`);
}

function installPackages() {
  const wanted = digest(readFileSync(join(root, 'package-lock.json')) + readFileSync(join(root, 'package.json')));
  const stamp = join(root, 'node_modules', '.bailiwick-installed');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('installing packages …');
  // An interrupted installation leaves no stamp, so the next start installs again.
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'installing the packages');
  // npm does not link the root package's own command; with this link `npx bailiwick` finds it
  const own = join(root, 'node_modules', '.bin', 'bailiwick');
  rmSync(own, { force: true });
  if (process.platform !== 'win32') symlinkSync(join('..', '..', 'bin', 'bailiwick.mjs'), own);
  writeFileSync(stamp, wanted);
}

function* sources(dir) {
  for (const name of readdirSync(dir).sort()) {
    const file = join(dir, name);
    if (name === 'dist' || name === 'node_modules' || file === join(root, 'apps', 'console')) continue;
    if (statSync(file).isDirectory()) yield* sources(file);
    else if (name.endsWith('.ts') || name === 'package.json' || name === 'tsconfig.json') yield file;
  }
}

/** Every file of the console, and of the libraries that it contains: the verifier of receipts and what that reads. */
function* consoleSources(dir = join(root, 'apps', 'console')) {
  for (const name of readdirSync(dir).sort()) {
    if (name === 'dist' || name === 'node_modules') continue;
    const file = join(dir, name);
    if (statSync(file).isDirectory()) yield* consoleSources(file);
    else yield file;
  }
  if (dir === join(root, 'apps', 'console'))
    for (const lib of ['contracts', 'core', 'receipts']) yield* sources(join(root, 'libs', lib, 'src'));
}

/** Builds the console, unless it was built from the same sources. */
export function buildConsole() {
  const hash = createHash('sha256');
  for (const file of consoleSources()) hash.update(file.slice(root.length)).update(readFileSync(file));
  const wanted = hash.digest('hex');
  const stamp = join(root, 'dist', '.bailiwick-console-built');
  if (
    existsSync(join(root, 'apps', 'console', 'dist', 'index.html')) &&
    existsSync(stamp) &&
    readFileSync(stamp, 'utf8') === wanted
  )
    return;
  console.log('building the console …');
  mkdirSync(join(root, 'dist'), { recursive: true });
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  run(
    process.execPath,
    [vite, 'build', join(root, 'apps', 'console'), '--logLevel', 'warn'],
    'the build of the console',
  );
  writeFileSync(stamp, wanted);
}

function build() {
  const hash = createHash('sha256');
  for (const file of [
    join(root, 'tsconfig.base.json'),
    join(root, 'tsconfig.build.json'),
    ...sources(join(root, 'apps')),
    ...sources(join(root, 'libs')),
    ...sources(join(root, 'tools')),
  ]) {
    if (!file.endsWith('.spec.ts')) hash.update(file.slice(root.length)).update(readFileSync(file));
  }
  const wanted = hash.digest('hex');
  const stamp = join(root, 'dist', '.bailiwick-built');
  const main = join(root, 'apps', 'cli', 'dist', 'main.js');
  if (existsSync(main) && existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('building …');
  mkdirSync(join(root, 'dist'), { recursive: true });
  run(
    process.execPath,
    [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', 'tsconfig.build.json'],
    'the build',
  );
  writeFileSync(stamp, wanted);
}

export function setUp() {
  checkNode();
  installPackages();
  build();
  buildConsole();
}

/** Runs a program of `test/` from its sources against the built applications, and exits with its exit code. */
export function runTest(name) {
  setUp();
  const register = join(root, 'test', 'support', 'register.cjs');
  const flags = 'WebSocket' in globalThis ? [] : ['--experimental-websocket']; // Node 20 requires a flag for it
  const args = [...flags, '--require', register, join(root, 'test', name, 'main.ts'), ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { cwd: root, stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
}
