import { runService } from './lifecycle';

describe('runService', () => {
  it('reports why a service does not start, then ends the process with exit code 1', async () => {
    const failure = new Error('no database');
    const steps: unknown[] = [];
    await new Promise<void>((ended) => {
      const exit = jest.spyOn(process, 'exit').mockImplementation(((code: number) => {
        steps.push(code);
        exit.mockRestore();
        ended();
      }) as never);
      runService(
        () => Promise.reject(failure),
        () => Promise.resolve(steps.push('listens')),
        (error) => steps.push(error),
      );
    });
    expect(steps).toEqual([failure, 1]);
  });
});
