/**
 * Attacks on ffmpeg, each in every kind of sandbox that this host permits. If another defence could stop an attack first, a control
 * shows that the attack works on an ffmpeg without the defence.
 */
import { execFile, spawn, spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeVideo, requireFfmpeg } from '../../../../test/media/video-cache.ts';
import type { Demuxer } from './demuxers.ts';
import { FfmpegFailed } from './failure.ts';
import {
  convert,
  detectContainer,
  type FfmpegJob,
  findMediaTools,
  type MediaTools,
  probe,
} from './ffmpeg.ts';
import { confine, findConfinement, SANDBOX_ENVIRONMENT } from './sandbox.ts';

const execute = promisify(execFile);
/** A colour that no other video here has, so that a single frame of it would show. */
const CANARY_COLOUR = 'color=c=0xff00ff:s=64x64:r=10:d=1';
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-threads', '1', '-pix_fmt', 'yuv420p'];
const AS_MP4 = ['-map', '0:v:0', ...H264, '-fps_mode', 'vfr', '-f', 'mp4'];

let directory: string;
let canary: string;
let video: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'tributary-attacks-'));
  canary = await makeVideo({ extension: 'ts', args: ['-f', 'lavfi', '-i', CANARY_COLOUR, ...H264] });
  video = await makeVideo({
    extension: 'mp4',
    args: ['-f', 'lavfi', '-i', 'testsrc2=s=64x64:r=10:d=1', ...H264],
  });
});
afterAll(() => rm(directory, { recursive: true, force: true }));

const isolations = (
  await Promise.all(
    (['bubblewrap', 'unshare', 'none'] as const).map(async wanted =>
      (await findConfinement(wanted)).isolation === wanted ? [wanted] : [],
    ),
  )
).flat();

const fail = async (run: Promise<unknown>): Promise<FfmpegFailed> => {
  const error = await run.then(
    () => new Error('it was not rejected'),
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof FfmpegFailed)) throw error;
  return error;
};
const write = async (name: string, content: string | Buffer): Promise<string> => {
  const path = join(directory, name);
  await writeFile(path, content);
  return path;
};
const emptyDirectory = (): Promise<string> => mkdtemp(join(directory, 'out-'));
const encode = async (
  tools: MediaTools,
  path: string,
  demuxer: string,
  more: Partial<FfmpegJob> & { readonly input?: FfmpegJob['inputs'][0]['options'] } = {},
): Promise<string> => {
  const out = await emptyDirectory();
  const { input = [], ...job } = more;
  await convert(tools, {
    inputs: [{ path, demuxer: demuxer as Demuxer, options: input }],
    directory: out,
    outputs: [{ name: 'video.mp4', options: AS_MP4 }],
    ...job,
  });
  return join(out, 'video.mp4');
};

it('this host permits the sandboxes that its tools can build', async () => {
  expect(isolations).toContain('none');
  expect((await findConfinement()).isolation).toBe(isolations[0]);
});

describe.each(isolations)('isolation: %s', isolation => {
  const hasSandbox = isolation !== 'none';
  let tools: MediaTools;
  beforeAll(async () => {
    tools = (await findMediaTools({ isolation }))!;
    expect(tools.confinement.isolation).toBe(isolation);
  });
  /** Replaces ffmpeg by a script that does what a compromised decoder might do. */
  const rogue = async (script: string): Promise<MediaTools> => {
    const path = await write(`rogue-${Math.random().toString(36).slice(2)}`, `#!/bin/sh\n${script}\n`);
    await chmod(path, 0o755);
    return { ...tools, ffmpeg: path };
  };

  it('an honest video is encoded, and its progress is reported', async () => {
    const times: number[] = [];
    const output = await encode(tools, video, 'mov', { onProgress: ({ outMs }) => times.push(outMs) });
    expect((await readFile(output)).includes('ftyp')).toBe(true);
    expect(times.at(-1)).toBeGreaterThan(500);
    const { format } = (await probe(tools, { path: video, demuxer: 'mov' }, ['-show_format'])) as {
      format: { duration: string };
    };
    expect(Number(format.duration)).toBeCloseTo(1, 1);
  });

  describe("another user's video", () => {
    const lists = {
      hls: () => `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:${canary}\n#EXT-X-ENDLIST\n`,
      concat: () => `ffconcat version 1.0\nfile 'file:${canary}'\n`,
    };

    it.each(['hls', 'concat'] as const)(
      'in a %s list named .mp4 is recognised by its first bytes',
      async kind => {
        const path = await write(`list-${kind}.mp4`, lists[kind]());
        expect(await detectContainer(path)).toBeUndefined();
        // Read as MP4, it is not a video.
        expect((await fail(encode(tools, path, 'mov'))).fault).toBe('failed');
      },
    );

    it.each(hasSandbox ? (['hls', 'concat'] as const) : [])(
      'in a %s list is unreadable, even if it were read as one',
      async kind => {
        const path = await write(`read-${kind}.mp4`, lists[kind]());
        const safe = kind === 'concat' ? ['-safe', '0'] : ['-allowed_extensions', 'ALL'];
        // The control: without a sandbox, every frame of the canary is output.
        const input = ['-v', 'error', '-protocol_whitelist', 'file', ...safe, '-f', kind, '-i', path];
        const { stdout } = await execute(requireFfmpeg(), [...input, '-c', 'copy', '-f', 'framecrc', '-']);
        expect(stdout.split('\n').filter(line => /^0,/.test(line))).toHaveLength(10);
        expect((await fail(encode(tools, path, kind, { input: safe }))).fault).toBe('failed');
      },
    );

    it('in an MP4 that refers to samples in another file is not opened', async () => {
      const path = await write('elsewhere.mp4', pointElsewhere(await readFile(video), canary));
      // The control: with references enabled, ffmpeg opens the canary.
      const { stderr } = await execute(requireFfmpeg(), [
        ...['-v', 'debug', '-enable_drefs', '1', '-use_absolute_path', '1'],
        ...['-i', path, '-c', 'copy', '-f', 'null', '-'],
      ]).catch((error: { stderr: string }) => error);
      expect(stderr).toContain(`Opening '${canary}' for reading`);
      const error = await fail(encode(tools, path, 'mov'));
      expect(error.stderr).not.toContain(`Opening '${canary}'`);
    });

    const itInSandbox = hasSandbox ? it : () => undefined;
    itInSandbox('does not exist for a compromised decoder', async () => {
      await mkdir(join(directory, 'secret'), { recursive: true });
      const secret = await write('secret/plain.txt', 'CANARY-4711');
      const error = await fail(
        encode(
          await rogue(`cat ${secret} /etc/passwd /proc/*/environ 1>&2; ls /home /root /in 1>&2; exit 1`),
          video,
          'mov',
        ),
      );
      expect(error.stderr).not.toMatch(/CANARY|root:x|PATH=\S+node/);
      expect(error.stderr).toMatch(/No such file/);
    });

    itInSandbox('no further user namespace can be made', async () => {
      const { program, args } = confine(
        tools.confinement,
        { reads: [], writes: [] },
        { memoryBytes: 2 ** 30, cpuSeconds: 10, fileBytes: 2 ** 20 },
        { program: 'unshare', args: ['--user', '--map-root-user', 'true'] },
      );
      const { status, stderr } = spawnSync(program, args, { env: SANDBOX_ENVIRONMENT, encoding: 'utf8' });
      expect([status, stderr]).toEqual([
        1,
        expect.stringMatching(/unshare failed|No space left|Operation not permitted/),
      ]);
    });
    it('secrets in the environment are not inherited', async () => {
      process.env.TRIBUTARY_TEST_SECRET = 'CANARY-0815';
      const error = await fail(encode(await rogue('env 1>&2; exit 1'), video, 'mov'));
      delete process.env.TRIBUTARY_TEST_SECRET;
      expect(error.stderr).toContain('MALLOC_ARENA_MAX');
      expect(error.stderr).not.toContain('CANARY');
    });
  });

  it('a list cannot make ffmpeg connect to anything', async () => {
    let connections = 0;
    const server = createServer((_request, response) => response.end('#EXTM3U\n'));
    server.on('connection', () => connections++);
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    try {
      const path = await write(
        'remote.m3u8',
        `#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:${port}/0.ts\n#EXT-X-ENDLIST\n`,
      );
      const open = ['-protocol_whitelist', 'file,http,tcp'];
      await execute(requireFfmpeg(), [
        '-v',
        'error',
        ...open,
        '-f',
        'hls',
        '-i',
        path,
        '-f',
        'null',
        '-',
      ]).catch(() => undefined);
      // The control: without the defences, ffmpeg connects.
      expect(connections).toBeGreaterThan(0);
      connections = 0;
      await fail(encode(tools, path, 'mov'));
      await fail(encode(tools, path, 'hls'));
      if (hasSandbox) await fail(encode(tools, path, 'hls', { input: open }));
      expect(connections).toBe(0);
    } finally {
      server.close();
    }
  });

  describe('decompression bombs and endless work', () => {
    it('a gap of 100,000 s in a file of a few KB', async () => {
      const gap = await makeVideo({
        extension: 'mp4',
        args: [
          ...['-f', 'lavfi', '-i', 'testsrc2=s=64x64:r=10:d=1', '-vf', 'setpts=PTS+gt(N\\,5)*100000/TB'],
          ...['-fps_mode', 'vfr', ...H264],
        ],
      });
      expect((await readFile(gap)).length).toBeLessThan(20_000);
      const { length } = await readFile(
        await encode(tools, gap, 'mov', { limits: { outTimeMs: 200_000_000 } }),
      );
      expect(length).toBeLessThan(20_000);
      // With a constant frame rate, the limit of the output duration ends it soon.
      const error = await fail(
        encode(tools, gap, 'mov', {
          outputs: [{ name: 'video.mp4', options: ['-vf', 'fps=50', ...AS_MP4] }],
          limits: { outTimeMs: 20_000 },
        }),
      );
      expect(error.fault).toBe('output-exceeded');
    });

    it('a frame of 67 million pixels', async () => {
      const bomb = await makeVideo({
        extension: 'mkv',
        args: ['-f', 'lavfi', '-i', 'color=s=8192x8192:r=1:d=1', '-pix_fmt', 'gray', '-c:v', 'png'],
      });
      expect((await fail(encode(tools, bomb, 'matroska'))).fault).toBe('failed');
    });

    it('a codec that is not whitelisted', async () => {
      const odd = await makeVideo({
        extension: 'avi',
        args: ['-f', 'lavfi', '-i', 'testsrc2=s=64x64:r=10:d=1', '-c:v', 'magicyuv'],
      });
      expect((await detectContainer(odd))?.demuxer).toBe('avi');
      const error = await fail(encode(tools, odd, 'avi'));
      expect(error.stderr).toMatch(/whitelist/i);
      // The probe names the codec, but decodes nothing: the pixel format is known only to a decoder. The control shows that one can.
      const { streams } = (await probe(tools, { path: odd, demuxer: 'avi' }, ['-show_streams'])) as {
        streams: { codec_name: string; pix_fmt?: string }[];
      };
      expect(streams.map(({ codec_name, pix_fmt }) => [codec_name, pix_fmt])).toEqual([
        ['magicyuv', undefined],
      ]);
      const { stdout } = await execute(tools.ffprobe!, [
        '-v',
        'error',
        '-show_entries',
        'stream=pix_fmt',
        odd,
      ]);
      expect(stdout).toMatch(/pix_fmt=[a-z]/);
    });

    it('endless output', async () => {
      const out = await emptyDirectory();
      const error = await fail(
        encode(tools, video, 'mov', {
          directory: out,
          input: ['-stream_loop', -1],
          limits: { fileBytes: 300_000 },
        }),
      );
      expect(error.fault).toBe('output-exceeded');
      expect(await readdir(out)).toEqual([]);
    });

    it('endless work', async () => {
      const busy = await rogue('while :; do :; done');
      expect((await fail(encode(busy, video, 'mov', { limits: { cpuSeconds: 1 } }))).fault).toBe(
        'work-exceeded',
      );
      const endless = encode(tools, video, 'mov', {
        input: ['-stream_loop', -1],
        limits: { cpuSeconds: 1, stallMs: 20_000 },
      });
      expect((await fail(endless)).fault).toBe('work-exceeded');
    });

    it('more memory than allowed', async () => {
      const large = await makeVideo({
        extension: 'mp4',
        args: ['-f', 'lavfi', '-i', 'testsrc2=s=3840x2160:r=5:d=1', ...H264],
      });
      const error = await fail(encode(tools, large, 'mov', { limits: { memoryBytes: 400 * 2 ** 20 } }));
      expect(error).toMatchObject({ fault: 'work-exceeded' });
    });
  });

  describe('a program that does not end', () => {
    const MARKER = `98765${isolations.indexOf(isolation)}`;
    const survivors = async (): Promise<readonly string[]> => {
      const found = await readdir('/proc').then(names =>
        Promise.all(
          names
            .filter(name => /^\d+$/.test(name))
            .map(name => readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '')),
        ),
      );
      return found.filter(line => line.startsWith(`sleep\0${MARKER}`));
    };
    const eventuallyNone = async (): Promise<void> => {
      for (let i = 0; i < 100 && (await survivors()).length > 0; i++)
        await new Promise(r => setTimeout(r, 50));
      expect(await survivors()).toEqual([]);
    };

    it('is killed with all its children when it makes no progress', async () => {
      const hanging = await rogue(`sleep ${MARKER} & sleep ${MARKER}`);
      const running = fail(encode(hanging, video, 'mov', { limits: { stallMs: 1_500 } }));
      await expect.poll(survivors, { timeout: 10_000 }).toHaveLength(2);
      expect((await running).fault).toBe('stalled');
      await eventuallyNone();
    });

    it('is killed although it reports the same progress again and again', async () => {
      const stuck = await rogue(
        `while :; do echo frame=1; echo out_time_us=1; echo progress=continue; sleep 0.2; done`,
      );
      expect((await fail(encode(stuck, video, 'mov', { limits: { stallMs: 1_500 } }))).fault).toBe('stalled');
    });

    it('is killed on abort', async () => {
      const hanging = await rogue(`sleep ${MARKER}`);
      const running = encode(hanging, video, 'mov', { abort: AbortSignal.timeout(500) });
      await expect(running).rejects.toMatchObject({ name: 'TimeoutError' });
      await eventuallyNone();
    });

    it('does not outlive the site if that is killed', async () => {
      const bundle = join(directory, `runner-${isolation}.mjs`);
      await build({
        stdin: {
          contents: `import { convert } from './ffmpeg.ts';\nawait convert(...JSON.parse(process.argv[2]));`,
          resolveDir: import.meta.dirname,
          loader: 'ts',
        },
        bundle: true,
        platform: 'node',
        format: 'esm',
        outfile: bundle,
        logLevel: 'error',
      });
      const job: FfmpegJob = {
        inputs: [{ path: video, demuxer: 'mov' }],
        directory: await emptyDirectory(),
        outputs: [{ name: 'video.mp4', options: AS_MP4 }],
      };
      // `exec`, because ffmpeg is a single process.
      const hanging = await rogue(`exec sleep ${MARKER}`);
      const child = spawn(process.execPath, [bundle, JSON.stringify([hanging, job])], { stdio: 'inherit' });
      await expect.poll(survivors, { timeout: 15_000 }).toHaveLength(1);
      child.kill('SIGKILL');
      await eventuallyNone();
    });
  });

  describe('links', () => {
    it('an input that is a link is not followed', async () => {
      const link = join(directory, `link-${isolation}.mp4`);
      await symlink(canary, link);
      expect((await fail(encode(tools, link, 'mov'))).stderr).toMatch(/not a regular file/);
    });

    it.each([
      ['in place of the output', 'ln -s /etc/passwd "$out/video.mp4"'],
      ['in addition to the output', ': > "$out/video.mp4"; ln -s /etc/passwd "$out/more"'],
      ['to itself by another name', ': > "$out/video.mp4"; ln "$out/video.mp4" "$out/more"'],
    ])('left %s are rejected', async (_where, act) => {
      const left = await rogue(`for last; do :; done; out="\${last#file:}"; out="\${out%/*}"; ${act}`);
      const out = await emptyDirectory();
      const error = await fail(encode(left, video, 'mov', { directory: out }));
      expect(error.stderr).toMatch(/unexpected output|hard link to another file/);
      expect(await readdir(out)).toEqual([]);
    });
  });
});

/** Rewrites an MP4's data reference to a Macintosh alias that names `target` absolutely (QuickTime File Format, "alis"). */
function pointElsewhere(mp4: Buffer, target: string): Buffer {
  const name = Buffer.from(target);
  const u16 = (value: number): Buffer => Buffer.from([(value >> 8) & 255, value & 255]);
  const alias = Buffer.concat([
    Buffer.alloc(10),
    Buffer.from([1, 0x4d]),
    Buffer.alloc(26),
    Buffer.alloc(12),
    Buffer.from([1, 0x61]),
    Buffer.alloc(62),
    Buffer.alloc(16),
    Buffer.alloc(4),
    Buffer.alloc(16),
    u16(2),
    u16(name.length),
    name,
    ...(name.length % 2 === 1 ? [Buffer.alloc(1)] : []),
    u16(0xffff),
    u16(0),
  ]);
  const u32 = (value: number): Buffer => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return bytes;
  };
  const entry = Buffer.concat([u32(12 + alias.length), Buffer.from('alis'), u32(0), alias]);
  const at = mp4.indexOf('dref') + 12;
  const oldLength = mp4.readUInt32BE(at);
  const grown = Buffer.concat([mp4.subarray(0, at), entry, mp4.subarray(at + oldLength)]);
  // The movie box is last, so sample offsets stay valid. The boxes around the entry grow.
  for (const type of ['moov', 'trak', 'mdia', 'minf', 'dinf', 'dref']) {
    const start = grown.indexOf(type) - 4;
    grown.writeUInt32BE(grown.readUInt32BE(start) + entry.length - oldLength, start);
  }
  return grown;
}
