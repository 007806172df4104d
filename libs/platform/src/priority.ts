import { readdirSync, readlinkSync } from 'node:fs';
import { constants, getPriority, setPriority } from 'node:os';

/** What comes after decisions, and must still keep up with them where there are more than the machine can take. */
const FOLLOWING = 5;

/**
 * Lets every other thread of the machine go before this one, so that it takes only what nobody else wants.
 * @param priority of `os.constants.priority`
 * @returns whether that could be had: Linux alone gives threads priorities of their own
 */
export function lowerThisThread(priority: number = constants.priority.PRIORITY_LOW): boolean {
  try {
    return lower(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), priority);
  } catch {
    return false;
  }
}

/**
 * Lets decisions go before this process, which follows them. Threads that begin later are as their parents. Where it
 * cannot be had, it goes without.
 */
export function followDecisions(): void {
  for (const thread of threads()) lower(thread, FOLLOWING);
}

function threads(): number[] {
  try {
    return readdirSync('/proc/self/task').map(Number);
  } catch {
    return [process.pid]; // without threads of their own priority, the process has one
  }
}

/** Never the other way: whoever was started behind others stays there, and is not allowed to come forward. */
function lower(thread: number, priority: number): boolean {
  try {
    if (getPriority(thread) < priority) setPriority(thread, priority);
    return true;
  } catch {
    return false; // it has ended meanwhile
  }
}
