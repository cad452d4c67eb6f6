import { spawn } from 'node:child_process';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { minuteFilm, readFilm } from './films.ts';
import { type Demo, eventually, findVideo, play, startDemo, upload } from './parts.ts';
let demo: Demo; let id: string; let home: number;
beforeAll(async () => {
  demo = await startDemo();
  home = demo.sites[0]?.pid ?? 0;
  ({ id } = await upload(demo.sites[2]?.url ?? '', demo.token, readFilm(minuteFilm()), { name: 'Minute' }));
  await eventually('it is registered', async () => (await findVideo(demo, id)).state === 'registered' || undefined);
});
afterAll(() => demo?.stop());
for (const what of ['relay', 'go'])
it(`vlc ${what}`, async () => {
  const viewer = demo.sites[0]?.viewer;
  const url = what === 'relay' ? `${demo.tracker}/relay/${id}.m3u8?client=${viewer}` : `${demo.tracker}/go/${id}?client=${viewer}`;
  await eventually('the first site serves', async () => (await play(demo, id, viewer)).sources[0]?.site === demo.sites[0]?.id || undefined, 60_000);
  let out = '';
  const child = spawn('setpriv', ['--reuid=65534', '--regid=65534', '--clear-groups', 'vlc', '-I', 'oldrc', '--rc-fake-tty', '--vout', 'dummy', '--aout', 'dummy', '--no-audio', '--play-and-exit', '--rate', '2', '-vv', url], { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, HOME: '/tmp/choice/vlchome' } });
  let err = ''; child.stderr.on('data', d => { err += d; }); child.stdout.on('data', d => { out += d; });
  let code: number | null | undefined; child.once('exit', c => { code = c; });
  const times: string[] = []; const began = Date.now(); let killed = false;
  const timeOf = () => Number([...out.matchAll(/(?:^|\n)(?:> )*(\d+)\r?\n/g)].at(-1)?.[1] ?? 0);
  while (code === undefined && Date.now() - began < 100_000) {
    child.stdin.write('get_time\n');
    await new Promise(r => setTimeout(r, 1000));
    times.push(`${((Date.now() - began) / 1000).toFixed(0)}:${timeOf()}`);
    if (!killed && timeOf() >= 15) { killed = true; process.kill(home, 'SIGKILL'); times.push('KILLED'); }
  }
  child.kill('SIGKILL');
  console.log(what, 'exit', code, times.join(' '));
  console.log(err.split('\n').filter(l => /error|redirect|404|503|adaptive.*(segment|retry|failed|error)/i.test(l)).slice(-25).join('\n'));
  home = (await demo.restart('site-1')).pid ?? 0;
  expect(1).toBe(1);
}, 200_000);
