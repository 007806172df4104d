// Checks docker-compose.yml with Docker Compose; reports a skipped check if Compose is not installed.
import { spawnSync } from 'node:child_process';
import { root } from './setup.mjs';

const tools = [
  ['docker', ['compose']],
  ['docker-compose', []],
];
const tool = tools.find(
  ([command, args]) => spawnSync(command, [...args, 'version'], { stdio: 'ignore' }).status === 0,
);
if (!tool) {
  console.log('Docker Compose is not installed: docker-compose.yml was not checked');
} else {
  const [command, args] = tool;
  const { status, stderr } = spawnSync(command, [...args, 'config', '--quiet'], { cwd: root, encoding: 'utf8' });
  console.log(status === 0 ? `${[command, ...args].join(' ')} config accepts docker-compose.yml` : stderr);
  process.exitCode = status ?? 1;
}
