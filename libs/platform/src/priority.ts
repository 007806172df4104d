import { readdirSync, readlinkSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';

/** The `nice` value of followers, which must still keep up with decisions on an overloaded machine. */
const FOLLOWING = 5;

/**
 * Gives this thread the lowest priority of the machine, so that it uses only otherwise idle time.
 * @param priority of `os.constants.priority`
 * @returns whether it was possible: only Linux has priorities of threads
 */
export function lowerThisThread(priority: number = constants.priority.PRIORITY_LOW): boolean {
  try {
    return lower(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), priority);
  } catch {
    return false;
  }
}

/**
 * Lowers the priority of this process, which follows decisions. Threads inherit the priority of their parents. If it is
 * not possible, the process continues without it.
 */
export function followDecisions(): void {
  for (const thread of threads()) lower(thread, FOLLOWING);
}

function threads(): number[] {
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    return [process.pid]; // without priorities of threads, the process has one
  }
}

/** Never raises a priority: that is not permitted, and a process that was started with a lower one keeps it. */
function lower(thread: number, priority: number): boolean {
  try {
    if (getPriority(thread) < priority) setPriority(thread, priority);
    return true;
  } catch {
    return false; // the thread has ended
  }
}
