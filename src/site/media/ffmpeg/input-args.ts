/**
 * The arguments with which ffmpeg reads an upload. They name the demuxer and the decoders that it may use: each further decoder is
 * another parser of hostile bytes.
 */
import type { Demuxer } from './demuxers.ts';

const VIDEO_DECODERS = [
  ...['h264', 'hevc', 'vp8', 'vp9', 'libdav1d', 'libaom-av1', 'av1', 'theora', 'vp3', 'vp6', 'vp6a', 'vp6f'],
  ...['mpeg1video', 'mpeg2video', 'mpegvideo', 'mpeg4', 'msmpeg4v1', 'msmpeg4v2', 'msmpeg4', 'h261', 'h263'],
  ...['h263i', 'h263p', 'flv', 'flashsv', 'flashsv2', 'wmv1', 'wmv2', 'wmv3', 'vc1', 'mss1', 'mss2'],
  ...['rv10', 'rv20', 'rv30', 'rv40', 'svq1', 'svq3', 'cinepak', 'indeo3', 'indeo4', 'indeo5', 'msvideo1'],
  ...['msrle', 'qtrle', 'camtasia', 'tscc2', 'zmbv', 'fraps', 'mjpeg', 'mjpegb', 'png', 'dvvideo', 'dnxhd'],
  ...['prores', 'cfhd', 'ffv1', 'huffyuv', 'ffvhuff', 'utvideo', 'rawvideo', 'v210', 'jpeg2000'],
];
const AUDIO_DECODERS = [
  ...[
    'aac',
    'aac_latm',
    'mp1',
    'mp1float',
    'mp2',
    'mp2float',
    'mp3',
    'mp3float',
    'ac3',
    'eac3',
    'dca',
    'mlp',
  ],
  ...[
    'truehd',
    'opus',
    'libopus',
    'vorbis',
    'libvorbis',
    'speex',
    'libspeex',
    'flac',
    'alac',
    'wavpack',
    'ape',
  ],
  ...['tta', 'wmav1', 'wmav2', 'wmapro', 'wmalossless', 'wmavoice', 'cook', 'sipr', 'real_144', 'real_288'],
  ...['ralf', 'atrac3', 'nellymoser', 'qdm2', 'qdmc', 'mace3', 'mace6', 'gsm', 'gsm_ms', 'amrnb', 'amrwb'],
  ...['qcelp', 'dvaudio', 's302m', 'adpcm_ima_wav', 'adpcm_ima_qt', 'adpcm_ms', 'adpcm_swf', 'adpcm_yamaha'],
  ...['g722', 'g726', 'pcm_alaw', 'pcm_mulaw', 'pcm_bluray', 'pcm_dvd', 'pcm_u8', 'pcm_s8', 'pcm_s16le'],
  ...[
    'pcm_s16be',
    'pcm_s16le_planar',
    'pcm_s16be_planar',
    'pcm_s24le',
    'pcm_s24be',
    'pcm_s32le',
    'pcm_s32be',
  ],
  ...['pcm_u16le', 'pcm_u16be', 'pcm_f32le', 'pcm_f32be', 'pcm_f64le', 'pcm_f64be'],
];
const SUBTITLE_DECODERS = ['mov_text', 'subrip', 'srt', 'ass', 'ssa', 'webvtt', 'text'];

const CODEC_WHITELIST = [...VIDEO_DECODERS, ...AUDIO_DECODERS, ...SUBTITLE_DECODERS].join(',');

/** 8,192 × 4,320, the largest size of real videos. A file that declares more is a decompression bomb. */
const MAX_PIXELS = 35_389_440;
const MAX_STREAMS = 32;

/** Command-line arguments. Our own code writes them; no text of a user ever becomes one. */
export type Args = readonly (string | number)[];

/** @param options go before `-i`: `-ss`, `-t`, `-threads` … */
export const inputArgs = (path: string, demuxer: Demuxer, options: Args = []): Args => [
  ...['-protocol_whitelist', 'file', '-codec_whitelist', CODEC_WHITELIST],
  ...['-max_pixels', MAX_PIXELS, '-max_streams', MAX_STREAMS],
  // The demuxer is forced, and MP4 files may not refer to data in other files.
  ...['-f', demuxer, ...(demuxer === 'mov' ? ['-enable_drefs', 0, '-use_absolute_path', 0] : [])],
  ...options,
  ...['-i', `file:${path}`],
];
