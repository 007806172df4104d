import { setTimeout as delay } from 'node:timers/promises';
import { isFree } from '@bailiwick/platform/servers/ports';
import { until } from '../support/stack';

const PORT = 9229;
const LIST = `http://127.0.0.1:${PORT}/json`;
const OPEN_MS = 5_000;
const LEAVE_MS = 300;

/**
 * Has a Node process collect its garbage, which left alone it would not for many minutes where memory is plenty, and
 * tell what it keeps: KB of objects and of buffers. Through its own inspector, which a signal opens, and which is closed
 * again.
 * @throws where another process has the inspector's port
 */
export async function collect(pid: number): Promise<number> {
  const kept = await within(pid);
  // the next process finds the port taken otherwise, and does not try again
  await until('the inspector to be closed', () => isFree(PORT), OPEN_MS);
  return kept;
}

async function within(pid: number): Promise<number> {
  process.kill(pid, 'SIGUSR1');
  const inspector = await Inspector.open();
  try {
    const there = await inspector.evaluate('process.pid');
    if (there !== pid) throw new Error(`process ${there} listens on the inspector's port, not ${pid}`);
    // what the first finds to be finalized, the second frees
    for (let i = 0; i < 2; i++) await inspector.call('HeapProfiler.collectGarbage');
    const bytes = await inspector.evaluate('(({ heapUsed, external }) => heapUsed + external)(process.memoryUsage())');
    // closing waits for its connections, and stops all work meanwhile: ours must be gone by then
    await inspector.evaluate(`setTimeout(() => process.getBuiltinModule('inspector').close(), ${LEAVE_MS}), 0`);
    return bytes / 1_024;
  } finally {
    await inspector.close();
  }
}

class Inspector {
  private readonly waiting = new Map<number, (result: unknown) => void>();
  private calls = 0;
  private readonly closed: Promise<void>;

  private constructor(private readonly socket: WebSocket) {
    this.closed = new Promise((resolve) => socket.addEventListener('close', () => resolve()));
    socket.addEventListener('message', ({ data }) => {
      const { id, result } = JSON.parse(String(data)) as { id?: number; result?: unknown };
      this.waiting.get(id ?? -1)?.(result);
    });
  }

  static async open(): Promise<Inspector> {
    for (const end = Date.now() + OPEN_MS; ; await delay(50)) {
      try {
        const [target] = (await (await fetch(LIST, { headers: { connection: 'close' } })).json()) as {
          webSocketDebuggerUrl: string;
        }[];
        const socket = new WebSocket(target!.webSocketDebuggerUrl);
        await new Promise((resolve, reject) => {
          socket.addEventListener('open', resolve);
          socket.addEventListener('error', () => reject(new Error('the inspector refuses the connection')));
        });
        return new Inspector(socket);
      } catch (error) {
        if (Date.now() > end) throw new Error(`no inspector was opened on port ${PORT}`, { cause: error });
      }
    }
  }

  /** The number that an expression comes to in there. */
  async evaluate(expression: string): Promise<number> {
    const { result } = (await this.call('Runtime.evaluate', { expression })) as { result: { value: number } };
    return result.value;
  }

  call(method: string, params: object = {}): Promise<unknown> {
    const id = (this.calls += 1);
    this.socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => this.waiting.set(id, resolve));
  }

  async close(): Promise<void> {
    this.socket.close();
    await this.closed;
  }
}
