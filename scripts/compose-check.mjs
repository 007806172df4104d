// docker-compose.yml, checked by Compose itself where there is one; said, where there is none.
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
  console.log('no Compose here: docker-compose.yml is not checked');
} else {
  const [command, args] = tool;
  const { status, stderr } = spawnSync(command, [...args, 'config', '--quiet'], { cwd: root, encoding: 'utf8' });
  console.log(status === 0 ? `${[command, ...args].join(' ')} config accepts docker-compose.yml` : stderr);
  process.exitCode = status ?? 1;
}
