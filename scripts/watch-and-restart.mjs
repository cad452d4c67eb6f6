// Rebuilds a program when one of its sources changes, and then restarts it. Used by `npm run dev`.
import { spawn } from 'node:child_process';
import { context } from 'esbuild';

const STOP_LIMIT_MS = 10_000;

/** Starts `node ARGS` and returns a function that ends it: SIGTERM first, SIGKILL after ten seconds. */
function startProgram(args, print) {
  const child = spawn(process.execPath, args, { stdio: 'inherit' });
  let isStopping = false;
  const exited = new Promise(resolve => {
    child.once('error', error => {
      print(`cannot start: ${error.message}`);
      resolve();
    });
    child.once('exit', (code, reason) => {
      if (!isStopping) print(`exited with ${reason ?? code}; waiting for a change`);
      resolve();
    });
  });
  return async () => {
    isStopping = true;
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
    await exited;
    clearTimeout(timer);
  };
}

/**
 * Builds with esbuild's `buildOptions`, runs `node ARGS`, and repeats both after each change of a source. A build with errors
 * does not affect the running program. Returns a function that stops everything.
 */
export async function watchAndRestart({ buildOptions, args, print }) {
  let stopProgram = async () => {};
  let isStopped = false;
  // One restart at a time: the old program must release its ports before the new one starts.
  let queue = Promise.resolve();
  const restart = async () => {
    await stopProgram();
    if (isStopped) return;
    stopProgram = startProgram(args, print);
  };
  const restartAfterBuild = {
    name: 'restart-after-build',
    setup(build) {
      let started = 0;
      build.onStart(() => {
        started = Date.now();
      });
      build.onEnd(({ errors }) => {
        if (errors.length > 0) return print('build failed; waiting for a change');
        print(`built in ${Date.now() - started} ms, starting`);
        queue = queue.then(restart);
      });
    },
  };
  const watching = await context({
    ...buildOptions,
    plugins: [...(buildOptions.plugins ?? []), restartAfterBuild],
  });
  await watching.watch();
  return async () => {
    isStopped = true;
    await watching.dispose();
    await queue;
    await stopProgram();
  };
}
