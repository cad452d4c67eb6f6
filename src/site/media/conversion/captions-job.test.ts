/** Captions by a speech program: a real script that listens for sound in the WAV file, in the sandbox of this machine. */
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeVideo } from '../../../../test/media/video-cache.ts';
import { makeTemporaryDirectory, removeDirectory } from '../../../../test/support/temporary-directory.ts';
import { silentLog } from '../../../kernel/log.ts';
import { openDatabase } from '../../../kernel/sql/sql.ts';
import { newRevisionId, newVideoId, type VideoId } from '../../../protocol/base/ids.ts';
import { findDraft, listDrafts } from '../../database/caption-drafts.ts';
import { type ClaimedStep, claimStep, failStep, findJob, listJobProgress } from '../../database/jobs.ts';
import { insertRevision } from '../../database/revisions.ts';
import { type SiteSchema, siteMigrations } from '../../database/tables/schema.ts';
import { findVideo, insertVideo, type SiteDatabase } from '../../database/tables/videos.ts';
import { type CaptionProgram, CaptionProgramFailed, findMediaTools } from '../ffmpeg/ffmpeg.ts';
import { createStorage, type Storage } from '../storage/storage.ts';
import { CAPTIONS_NEED, queueCaptionsIfNone, type StepDeps } from './conversion.ts';
import { runStep } from './steps/run-step.ts';

/** Perl is on every Debian. It writes a cue for each second with sound, and its progress. */
const PROGRAM = `#!/usr/bin/perl
use strict;
my ($audio, $language, $model) = @ARGV;
open(my $file, '<:raw', $audio) or die "cannot open $audio";
read($file, my $head, 44);
my ($riff, $size, $wave, $fmt, $length, $format, $channels, $rate) = unpack('A4VA4A4VvvV', $head);
die "not 16 kHz mono: $channels $rate" unless $riff eq 'RIFF' && $channels == 1 && $rate == 16000;
open(my $words, '<', "$model/words.txt") or die "no model";
chomp(my $word = <$words>);
die "the model does not know the language $language\\n" if $language eq 'xx';
print "WEBVTT\\n\\n";
for (my $second = 0; read($file, my $bytes, 32000) > 16000; $second++) {
  my ($sum, @samples) = (0, unpack('s<*', $bytes));
  $sum += abs($_) for @samples;
  printf STDERR "progress = %d%%\\n", 25 * ($second + 1);
  next if $sum / @samples < 2000;
  printf "00:00:%02d.000 --> 00:00:%02d.000\\n<v Speaker>%s %s\\n\\n", $second, $second + 1, $word, $language;
}
`;

let directory: string;
let db: SiteDatabase;
let storage: Storage;
let program: CaptionProgram;
beforeAll(async () => {
  directory = await makeTemporaryDirectory('captions-job');
  db = await openDatabase<SiteSchema>(join(directory, 'site.sqlite'), siteMigrations);
  storage = createStorage(directory);
  const [script, model] = [join(directory, 'listen.pl'), join(directory, 'model')];
  writeFileSync(script, PROGRAM);
  chmodSync(script, 0o755);
  mkdirSync(model);
  writeFileSync(join(model, 'words.txt'), 'recognised\n');
  program = { command: [script, '{audio}', '{language}', model], files: [model] };
});
afterAll(async () => {
  await db.destroy();
  await removeDirectory(directory);
});

/** Four seconds of video: silence, sound, silence, sound. The audio begins at 1 s. */
async function addVideo(language: string | undefined): Promise<VideoId> {
  const path = await makeVideo({
    extension: 'mp4',
    args: [
      ...['-f', 'lavfi', '-i', 'color=s=64x64:r=5:d=4', '-itsoffset', '1', '-f', 'lavfi'],
      ...['-i', "aevalsrc='sin(880*PI*t)*(lt(t,1)+gte(t,2))':d=3:s=48000"],
      ...['-c:v', 'libx264', '-pix_fmt', 'yuv420p', '-c:a', 'aac'],
    ],
  });
  const id = newVideoId();
  const revision = newRevisionId();
  mkdirSync(storage.directory(id), { recursive: true });
  copyFileSync(path, storage.source(id));
  await insertVideo(db, { id, name: 'A', description: '', language, fileName: undefined, sizeBytes: 10 });
  await insertRevision(db, revision, id, ['source.index']);
  const prepared = { durationMs: 4_000, renditions: [{ kind: 'audio' }] };
  await db
    .updateTable('videos')
    .set({ state: 'ready', revision, prepared: JSON.stringify(prepared) })
    .where('id', '=', id)
    .execute();
  return id;
}

async function claim(): Promise<ClaimedStep> {
  const found = await claimStep(
    db,
    { owner: 'test', can: need => need === CAPTIONS_NEED, nowMs: Date.now() },
    async () => {},
  );
  if (!found) throw new Error('there is no step');
  return found;
}

async function run(claimed: ClaimedStep, captionProgram: CaptionProgram): Promise<readonly number[]> {
  const tools = await findMediaTools();
  if (!tools) throw new Error('these tests need ffmpeg');
  const shares: number[] = [];
  await runStep({ db, storage, tools, captionProgram, log: silentLog } as unknown as StepDeps, {
    claimed,
    abort: new AbortController().signal,
    onProgress: ({ outMs }) => shares.push(outMs / 4_000),
  });
  return shares;
}

describe('the job that creates captions', () => {
  it('makes a draft from the words of the program, at the times of the video', async () => {
    const video = await addVideo('en');
    expect(await queueCaptionsIfNone(db, storage, video)).toBe(true);
    expect(await queueCaptionsIfNone(db, storage, video)).toBe(false);
    const claimed = await claim();
    const shares = await run(claimed, program);
    expect(Math.max(...shares)).toBe(1);
    expect(shares).toEqual(shares.toSorted((a, b) => a - b));
    const [draft] = await listDrafts(db, video);
    expect(draft).toMatchObject({ language: 'en', origin: 'program' });
    const { vtt = '' } = (await findDraft(db, video, draft?.id ?? '')) ?? {};
    expect(vtt.match(/^00:.*|^<v.*/gm)).toEqual([
      '00:00:01.000 --> 00:00:02.000',
      '<v Speaker>recognised en</v>',
      '00:00:03.000 --> 00:00:04.000',
      '<v Speaker>recognised en</v>',
    ]);
    expect((await findJob(db, claimed.job.id))?.state).toBe('done');
    // A draft is not published: neither the extras nor a record have it.
    expect((await findVideo(db, video))?.extras).toBeNull();
  });

  it('fails with the end of what the program wrote', async () => {
    const video = await addVideo('xx');
    await queueCaptionsIfNone(db, storage, video);
    const claimed = await claim();
    const failure = await run(claimed, program).catch(error => error);
    expect(failure).toBeInstanceOf(CaptionProgramFailed);
    expect(failure.message).toBe(
      'The speech program failed. Its last output: the model does not know the language xx',
    );
    await failStep(db, claimed, failure.message, Date.now());
    expect((await listJobProgress(db, { video, limit: 1 }))[0]).toMatchObject({ state: 'open' });
    const inSandbox = { ...program, files: [] };
    const hidden = await run(claimed, inSandbox).catch(error => error.message);
    const tools = await findMediaTools();
    // Without a sandbox, the program sees what it was not given.
    if (tools?.confinement.isolation === 'none') expect(hidden).toContain('the model does not know');
    else expect(hidden).toContain('no model');
    const other = { command: ['/bin/echo', 'hello'], files: [] };
    expect(await run(claimed, other).catch(error => error.message)).toBe(
      'The speech program did not write WebVTT. Its last output: hello',
    );
    expect(await listDrafts(db, video)).toEqual([]);
  });
});
