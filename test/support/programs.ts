/** Programs that tests run: the built command, and those of the machine. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The built command, an argument of node. */
export const COMMAND = resolve('dist/tributary.js');

/** Runs a program to its end. It blocks this process: nothing that the program needs may be served from here. */
export function runProgram(
  program: string,
  args: readonly string[],
  timeoutMs = 60_000,
): { readonly status: number | null; readonly stdout: string; readonly stderr: string } {
  const { status, stdout, stderr } = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: timeoutMs,
    maxBuffer: 256 * 2 ** 20,
  });
  return { status, stdout, stderr };
}

/** Resident memory of a process in bytes: now and at its peak. */
export function readMemory(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = (field: string): number =>
    Number(new RegExp(`${field}:\\s+(\\d+)`).exec(status)?.[1]) * 1_024;
  return { now: kilobytes('VmRSS'), peak: kilobytes('VmHWM') };
}
