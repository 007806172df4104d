import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '..', '..');

interface Project {
  readonly root: string;
  readonly sourceRoot: string;
  readonly entryFile: string;
  readonly compilerOptions: { readonly tsConfigPath: string };
}
const { projects, ...common } = JSON.parse(readFileSync(join(ROOT, 'nest-cli.json'), 'utf8')) as {
  projects: Record<string, Project>;
  root: string;
  sourceRoot: string;
  exec: string;
};

describe('nest-cli.json', () => {
  it('has a project for each Nest application', () => {
    const applications = readdirSync(join(ROOT, 'apps')).filter((name) =>
      existsSync(join(ROOT, 'apps', name, 'src', 'app.module.ts')),
    );
    expect(Object.keys(projects).sort()).toEqual(applications.sort());
  });

  it.each(Object.entries(projects))('names the folders, configuration and entry file of %s', (name, project) => {
    const { root, sourceRoot, entryFile, compilerOptions } = project;
    expect([root, sourceRoot]).toEqual([`apps/${name}`, `apps/${name}/src`]);
    expect(existsSync(join(ROOT, sourceRoot, `${entryFile}.ts`))).toBe(true);
    const config = JSON.parse(readFileSync(join(ROOT, compilerOptions.tsConfigPath), 'utf8')) as {
      compilerOptions: { outDir: string };
    };
    // the image and `bailiwick up` start this file
    expect(config.compilerOptions.outDir).toBe('dist');
  });

  it('starts services on the built files of the libraries', () => {
    expect(common.exec).toBe('node --conditions=built');
  });

  it('has a default project that is one of them', () => {
    expect(Object.values(projects).map(({ root }) => root)).toContain(common.root);
  });
});
