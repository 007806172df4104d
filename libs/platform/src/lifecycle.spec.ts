import { runService } from './lifecycle';

/** Runs a start, and waits until it ends the process, whose exit code is added to the steps. */
const exitOf = (steps: unknown[], run: () => void): Promise<void> =>
  new Promise((ended) => {
    const exit = jest.spyOn(process, 'exit').mockImplementation(((code: number) => {
      steps.push(code);
      exit.mockRestore();
      ended();
    }) as never);
    run();
  });

describe('runService', () => {
  it('reports why a service does not start, then ends the process with exit code 1', async () => {
    const failure = new Error('no database');
    const steps: unknown[] = [];
    await exitOf(steps, () => {
      runService(
        () => Promise.reject(failure),
        () => Promise.resolve(steps.push('listens')),
        (error) => steps.push(error),
      );
    });
    expect(steps).toEqual([failure, 1]);
  });

  it('lets a shutdown during the start end the process, without a report of a failed start', async () => {
    const steps: unknown[] = [];
    const listeners = process.listeners('SIGTERM');
    await exitOf(steps, () => {
      let fail = (_error: Error): void => undefined;
      runService(
        () =>
          Promise.resolve({
            close: async () => {
              steps.push('closes');
              fail(new Error('the connection was closed'));
              await Promise.resolve();
            },
          }),
        () => {
          queueMicrotask(() => {
            for (const each of process.listeners('SIGTERM')) if (!listeners.includes(each)) each('SIGTERM');
          });
          return new Promise((_resolve, reject) => (fail = reject));
        },
        (error) => steps.push(error),
      );
    });
    for (const signal of ['SIGTERM', 'SIGINT'] as const)
      for (const each of process.listeners(signal)) if (!listeners.includes(each)) process.off(signal, each);
    expect(steps).toEqual(['closes', 0]);
  });
});
