import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(__dirname, '..', '..');
const GATEWAY = join(ROOT, 'apps', 'gateway', 'src');
const text = (...path: string[]): string => readFileSync(join(ROOT, ...path), 'utf8');
const found = (pattern: RegExp, source: string): string[] => [
  ...new Set([...source.matchAll(pattern)].map(([, each]) => each as string)),
];

const sources = readdirSync(GATEWAY, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
  .map((file) => readFileSync(join(GATEWAY, file), 'utf8'))
  .join('\n');
const drill = text('apps', 'cli', 'src', 'drill', 'drill-report.ts');
const metrics = [...found(/name: '(bailiwick_\w+)'/g, sources), ...found(/\['(bailiwick_\w+)'/g, drill)];
const routes = found(/path: '(\/[^']*)'/g, sources);

describe.each(['alerts.yaml', 'dashboard.json'])('docs/monitoring/%s', (file) => {
  const queries = text('docs', 'monitoring', file).replaceAll('\\"', '"');

  it('names only metrics that the gateway has, or that a drill writes', () => {
    const named = found(/\b(bailiwick_\w+)/g, queries).map((name) => name.replace(/_(bucket|count|sum)$/, ''));
    expect(named.length).toBeGreaterThan(3);
    expect(named.filter((name) => !metrics.includes(name))).toEqual([]);
  });

  it('names only routes that the gateway has', () => {
    const named = [
      ...found(/route="([^"]+)"/g, queries),
      ...found(/route=~"([^"]+)"/g, queries).flatMap((pattern) => {
        const [, start = '', several = ''] = /^([^(]+)\(([^)]+)\)$/.exec(pattern) ?? [];
        return several.split('|').map((each) => start + each);
      }),
    ];
    expect(named.length).toBeGreaterThan(1);
    expect(named.filter((route) => !routes.includes(route))).toEqual([]);
  });
});

it('every alert states its severity and the page with the procedure', () => {
  const alerts = text('docs', 'monitoring', 'alerts.yaml').split('- alert:').slice(1);
  expect(alerts.length).toBeGreaterThan(5);
  for (const alert of alerts) {
    expect(alert).toMatch(/severity: (page|warn)/);
    const [page] = found(/runbook_url: (\S+)/g, alert);
    expect(text(page as string)).not.toBe('');
  }
});
