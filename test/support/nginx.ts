/** A real nginx with the configuration that `tributary nginx-config` generates for a site. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { COMMAND, runProgram } from './programs.ts';

export interface NginxSettings {
  /** The configuration of the site. */
  readonly config: string;
  /** A directory of the test, in which the data directory of the site is. */
  readonly directory: string;
  readonly dataDirectory: string;
  readonly flags?: readonly string[];
}

/** Generates the configuration. @throws Error with what the command wrote */
export function generateNginxConfig({ config, flags = [] }: Pick<NginxSettings, 'config' | 'flags'>): string {
  const made = runProgram(process.execPath, [COMMAND, 'nginx-config', '--config', config, ...flags]);
  if (made.status !== 0 || made.stderr !== '') throw new Error(made.stderr);
  return made.stdout;
}

/** Starts nginx; it listens soon after. */
export async function startNginx(
  generated: string,
  { directory, dataDirectory }: Pick<NginxSettings, 'directory' | 'dataDirectory'>,
): Promise<ChildProcess> {
  await mkdir(join(dataDirectory, 'nginx'), { recursive: true });
  // nginx's worker may run as another user.
  spawnSync('chmod', ['-R', 'a+rwX', join(dataDirectory, 'nginx')]);
  for (const path of [directory, dataDirectory]) spawnSync('chmod', ['a+x', path]);
  const main = join(directory, 'nginx.conf');
  // nginx keeps responses for a minute, which is long for a test: here it is a second.
  await writeFile(
    main,
    `daemon off; pid ${directory}/nginx.pid; error_log ${directory}/error.log; events { worker_connections 512; }
     http { access_log off; client_body_temp_path ${directory}/t1; proxy_temp_path ${directory}/t2; fastcgi_temp_path ${directory}/t3;
     uwsgi_temp_path ${directory}/t4; scgi_temp_path ${directory}/t5;
     ${generated.replaceAll('proxy_cache_valid 200 60s', 'proxy_cache_valid 200 1s').replaceAll('listen [::]:', '# ')} }`,
  );
  return spawn('nginx', ['-p', directory, '-c', main], { stdio: 'ignore' });
}
