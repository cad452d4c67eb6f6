/** One part of the demo as a child process: start it, wait until it is ready, and stop it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../kernel/problem.ts';
import { STOP_AT_END_OF_INPUT } from './end-of-input.ts';

export const READY_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5_000;

/** A program and its arguments. */
export type Command = readonly [string, ...string[]];

export interface Part {
  readonly name: string;
  readonly process: ChildProcess;
  /** Resolves when the process has ended, or could not be started. */
  readonly ended: Promise<void>;
}

interface PartOptions {
  /** The file to which the output of the part is appended. */
  readonly log: string;
  readonly environment: Readonly<Record<string, string | undefined>>;
}

export function spawnPart(
  name: string,
  [program, ...programArguments]: Command,
  { log, environment }: PartOptions,
): Part {
  const output = openSync(log, 'a');
  try {
    const child = spawn(program, programArguments, {
      // The operating system closes this pipe when the demo ends for any reason. The part then stops, too.
      stdio: ['pipe', output, output],
      env: { ...environment, [STOP_AT_END_OF_INPUT]: '1' },
      // Ctrl-C reaches only the demo, which then stops its parts.
      detached: true,
    });
    const ended = new Promise<void>(resolve => {
      child.once('exit', () => resolve());
      child.once('error', () => resolve());
    });
    return { name, process: child, ended };
  } finally {
    // The child has its own copy of the file descriptor.
    closeSync(output);
  }
}

export async function stopPart(part: Part): Promise<void> {
  part.process.kill('SIGTERM');
  const timeout = setTimeout(() => part.process.kill('SIGKILL'), STOP_TIMEOUT_MS);
  await part.ended;
  clearTimeout(timeout);
}

/** Waits until `/readyz` of the part responds with 200. @throws Error if the part ends, or is not ready in time */
export async function waitUntilReady(part: Part, url: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  let last = 'no response';
  while (Date.now() < deadline) {
    if (part.process.exitCode !== null || part.process.signalCode !== null) {
      throw new Error(
        `${part.name} stopped while it was starting. See logs/${part.name}.log; the usual cause is a port in use.`,
      );
    }
    try {
      const response = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) });
      if (response.ok) return;
      last = await response.text();
    } catch (error) {
      last = messageOf(error);
    }
    await sleep(25);
  }
  throw new Error(`${part.name} was not ready within ${READY_TIMEOUT_MS / 1000} s: ${last}`);
}
