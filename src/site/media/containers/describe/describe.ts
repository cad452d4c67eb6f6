/** Describes the tracks of a source: codec, configuration, dimensions, language. mediabunny reads the headers. */
import {
  BufferSource,
  Input,
  type InputAudioTrack,
  type InputVideoTrack,
  Logging,
  LogLevel,
  MATROSKA,
  MP4,
  QTFF,
  type TrackDisposition,
  WEBM,
} from 'mediabunny';
import { languageSchema } from '../../../../protocol/base/text.ts';
import { givenTrackNameSchema } from '../../../../protocol/media/media.ts';
import { damaged } from '../../source-rejected.ts';
import { formatBox, u16, u32 } from '../isobmff/box.ts';
import type { IndexedSource, SourceTrack } from '../source/source-track.ts';
import type { AudioDescription, TrackDescription, VideoDescription } from '../source/track-description.ts';
import {
  checkAac,
  checkAv1,
  checkH264,
  checkHevc,
  checkVp9,
  type Unplayable,
  unplayableCodec,
} from './codec-rules.ts';
import { formatColourBox, readColour, type SourceColour } from './colour.ts';
import { findIncompatibleProfile } from './dolby-vision.ts';
import { readH264Parameters } from './h264-parameters.ts';

const MAX_DIMENSION = 16_384;
const UNITY = 0x1_0000;
const UNITY_W = 0x4000_0000;

export type DescribedTrack =
  | { readonly track: SourceTrack; readonly description: TrackDescription; readonly unplayable?: undefined }
  | {
      readonly track: SourceTrack;
      readonly description?: undefined;
      readonly unplayable: Unplayable;
      readonly isEncrypted?: true;
    };

/**
 * Describes every track, in the source's order.
 *
 * @throws SourceRejected if the headers cannot be read
 */
export async function describeTracks(source: IndexedSource): Promise<readonly DescribedTrack[]> {
  // mediabunny would print warnings about damaged headers to the console. It throws the errors that matter.
  Logging.level = LogLevel.Silent;
  const input = new Input({
    source: new BufferSource(source.head),
    formats: [MP4, QTFF, MATROSKA, WEBM],
  });
  try {
    const found = new Map((await input.getTracks()).map(track => [track.id, track]));
    const described: DescribedTrack[] = [];
    for (const track of source.tracks) {
      const input = found.get(track.id);
      if (track.codecName === 'encv' || track.codecName === 'enca') {
        described.push({
          track,
          unplayable: 'encrypted (DRM), which browsers cannot play',
          isEncrypted: true,
        });
      } else if (track.kind === 'video' && input?.isVideoTrack()) {
        described.push(withTrack(track, await describeVideo(track, input)));
      } else if (track.kind === 'audio' && input?.isAudioTrack()) {
        described.push(withTrack(track, await describeAudio(track, input)));
      } else {
        described.push({ track, unplayable: unplayableCodec(track.codecName) });
      }
    }
    return described;
  } catch (error) {
    // The reader was given nothing but headers, so every error means that they are damaged.
    throw damaged('the description of its tracks cannot be read', { cause: error });
  } finally {
    input.dispose();
  }
}

const withTrack = (track: SourceTrack, result: TrackDescription | Unplayable): DescribedTrack =>
  typeof result === 'string' ? { track, unplayable: result } : { track, description: result };

async function describeVideo(
  track: SourceTrack,
  input: InputVideoTrack,
): Promise<VideoDescription | Unplayable> {
  const codecName = await input.getCodec();
  if (codecName !== 'avc' && codecName !== 'hevc' && codecName !== 'vp9' && codecName !== 'av1') {
    return unplayableCodec(track.codecName);
  }
  const { configuration } = track;
  const dolbyVision = ['dvcC', 'dvvC', 'dvwC'].map(type => findIncompatibleProfile(configuration.get(type)));
  const incompatible = dolbyVision.find(name => name !== undefined);
  if (incompatible) return `${incompatible}, whose colours only Dolby decoders show correctly`;
  const stored = configuration.get('avcC') ?? configuration.get('hvcC') ?? configuration.get('private');
  const config = await input.getDecoderConfig();
  const codec = await input.getCodecParameterString();
  if (!config || !codec) return unplayableCodec(track.codecName);

  const parameters = codecName === 'avc' && stored ? readH264Parameters(stored) : undefined;
  const { width, height, ...size } = await readSizes(input, configuration, parameters?.pixelAspect);
  const { codedWidth, codedHeight, trackWidth, trackHeight } = size;
  for (const length of [codedWidth, codedHeight, trackWidth, trackHeight, width, height]) {
    if (!(length >= 1 && length <= MAX_DIMENSION))
      return `of an invalid size (${codedWidth} × ${codedHeight} pixels)`;
  }
  const colour = readColour(track, await input.getColorSpace());
  const shape = {
    kind: 'video' as const,
    ...size,
    width,
    height,
    matrix: track.matrix ? [...track.matrix] : rotation(await input.getRotation(), trackWidth, trackHeight),
    furtherBoxes: furtherBoxes(track, size, colour).toString('base64'),
    ...(colour
      ? { colour: { primaries: colour.primaries, transfer: colour.transfer, matrix: colour.matrix } }
      : {}),
  };
  switch (codecName) {
    case 'avc': {
      if (!isConfiguration(stored, 7)) return withoutConfiguration('H.264');
      const hasParameterSets = (stored[5]! & 31) > 0;
      const sampleEntry = hasParameterSets ? 'avc1' : 'avc3';
      return (
        checkH264(stored) ?? {
          ...shape,
          family: 'h264',
          sampleEntry,
          codec: codec.replace(/^avc[13]/, sampleEntry),
          configuration: stored.toString('base64'),
          ...(parameters?.permitsFields ? { mayBeInterlaced: true } : {}),
        }
      );
    }
    case 'hevc': {
      if (!isConfiguration(stored, 23)) return withoutConfiguration('HEVC');
      // Apple's players read parameter sets only from the configuration (hvc1).
      const sampleEntry = stored[22]! > 0 ? 'hvc1' : 'hev1';
      return (
        checkHevc(stored) ?? {
          ...shape,
          family: 'hevc',
          sampleEntry,
          codec: codec.replace(/^(hev1|hvc1)/, sampleEntry),
          configuration: stored.toString('base64'),
        }
      );
    }
    case 'vp9': {
      const complete = withColour(codec, colour);
      return (
        checkVp9(codec) ?? {
          ...shape,
          family: 'vp9',
          sampleEntry: 'vp09',
          codec: complete,
          configuration: (configuration.get('vpcC') ?? formatVpcC(complete)).toString('base64'),
        }
      );
    }
    case 'av1':
      return (
        checkAv1(codec) ?? {
          ...shape,
          family: 'av1',
          sampleEntry: 'av01',
          codec,
          configuration: (configuration.get('av1C') ?? findAv1C(configuration) ?? formatAv1C(codec)).toString(
            'base64',
          ),
        }
      );
  }
}

type Sizes = Pick<
  VideoDescription,
  'codedWidth' | 'codedHeight' | 'trackWidth' | 'trackHeight' | 'width' | 'height'
>;

/** @param pixelAspect from the bit stream; it applies if the container does not declare the shape of pixels */
async function readSizes(
  input: InputVideoTrack,
  configuration: SourceTrack['configuration'],
  pixelAspect: readonly [number, number] | undefined,
): Promise<Sizes> {
  const codedWidth = await input.getCodedWidth();
  const codedHeight = await input.getCodedHeight();
  const trackWidth = Math.round(await input.getSquarePixelWidth());
  const trackHeight = Math.round(await input.getSquarePixelHeight());
  const isDeclared = configuration.has('pasp') || trackWidth !== codedWidth || trackHeight !== codedHeight;
  if (!pixelAspect || isDeclared) {
    const width = Math.round(await input.getDisplayWidth());
    const height = Math.round(await input.getDisplayHeight());
    return { codedWidth, codedHeight, trackWidth, trackHeight, width, height };
  }
  const wide = Math.round((codedWidth * pixelAspect[0]) / pixelAspect[1]);
  const isUpright = (await input.getRotation()) % 180 !== 0;
  return {
    ...{ codedWidth, codedHeight, trackWidth: wide, trackHeight: codedHeight },
    ...(isUpright ? { width: codedHeight, height: wide } : { width: wide, height: codedHeight }),
  };
}

/** `avcC` and `hvcC` begin with their version, 1 (ISO/IEC 14496-15). */
const isConfiguration = (bytes: Buffer | undefined, minBytes: number): bytes is Buffer =>
  bytes !== undefined && bytes.length >= minBytes && bytes[0] === 1;

const withoutConfiguration = (codec: string): Unplayable =>
  `${codec} without its configuration, which browsers need to play it`;

/** Matroska's private data of an AV1 track is an `av1C` if it begins with its marker and version. */
function findAv1C(configuration: SourceTrack['configuration']): Buffer | undefined {
  const stored = configuration.get('private');
  return stored?.[0] === 0x81 ? stored : undefined;
}

/** The boxes for colour, light levels and pixel aspect ratio. */
function furtherBoxes(
  track: SourceTrack,
  {
    codedWidth,
    codedHeight,
    trackWidth,
    trackHeight,
  }: Pick<VideoDescription, 'codedWidth' | 'codedHeight' | 'trackWidth' | 'trackHeight'>,
  colour: SourceColour | undefined,
): Buffer {
  const boxes = colour ? [formatColourBox(colour)] : [];
  for (const type of ['mdcv', 'clli']) {
    const body = track.configuration.get(type);
    if (body) boxes.push(formatBox(type, body));
  }
  const pasp = track.configuration.get('pasp');
  const horizontal = trackWidth * codedHeight;
  const vertical = trackHeight * codedWidth;
  if (pasp && pasp.length >= 8) boxes.push(formatBox('pasp', pasp.subarray(0, 8)));
  // A difference of one pixel is rounding, not an aspect ratio.
  else if (Math.abs(horizontal / vertical - 1) > 1 / codedHeight) {
    const common = gcd(horizontal, vertical);
    boxes.push(formatBox('pasp', u32(horizontal / common, vertical / common)));
  }
  return Buffer.concat(boxes);
}

const gcd = (a: number, b: number): number => (b === 0 ? a : gcd(b, a % b));

/** Converts clockwise degrees into a matrix that keeps the corner of the image at the origin. */
function rotation(degrees: number, width: number, height: number): number[] {
  const w = width * UNITY;
  const h = height * UNITY;
  switch (((degrees % 360) + 360) % 360) {
    case 90:
      return [0, UNITY, 0, -UNITY, 0, 0, h, 0, UNITY_W];
    case 180:
      return [-UNITY, 0, 0, 0, -UNITY, 0, w, h, UNITY_W];
    case 270:
      return [0, -UNITY, 0, UNITY, 0, 0, 0, w, UNITY_W];
    default:
      return [UNITY, 0, 0, 0, UNITY, 0, 0, 0, UNITY_W];
  }
}

/** `vp09.PP.LL.DD` with chroma format 4:2:0, colour and range: players judge by them whether they can show HDR. */
function withColour(codec: string, colour: SourceColour | undefined): string {
  if (!colour) return codec;
  const { primaries, transfer, matrix, isFullRange } = colour;
  const values = [primaries, transfer, matrix, isFullRange ? 1 : 0];
  return [...codec.split('.').slice(0, 4), '01', ...values.map(value => String(value).padStart(2, '0'))].join(
    '.',
  );
}

/** Formats `vpcC` (VP Codec ISO Media File Format Binding 1.0, section 2.2) from `vp09.PP.LL.DD[.CC.cp.tc.mc.FF]`. */
function formatVpcC(codec: string): Buffer {
  const [profile = 0, level = 10, depth = 8, chroma = 1, primaries = 1, transfer = 1, matrix = 1, full = 0] =
    codec.split('.').slice(1).map(Number);
  const packed = (depth << 4) | (chroma << 1) | full;
  return Buffer.from([1, 0, 0, 0, profile, level, packed, primaries, transfer, matrix, 0, 0]);
}

/** Formats `av1C` (AV1 Codec ISO Media File Format Binding, section 2.3) without a sequence header: key frames carry it. */
function formatAv1C(codec: string): Buffer {
  const [, profile = '0', levelAndTier = '00M', depth = '08'] = codec.split('.');
  const tier = levelAndTier.endsWith('H') ? 0x80 : 0;
  const is420 = 0x0c;
  return Buffer.from([
    0x81,
    (Number(profile) << 5) | Number.parseInt(levelAndTier, 10),
    tier | (depth === '10' ? 0x40 : 0) | is420,
    0,
  ]);
}

/** A name for a track that has none, from the flags of its container. */
const nameOfPurpose = ({
  commentary,
  visuallyImpaired,
}: Pick<TrackDisposition, 'commentary' | 'visuallyImpaired'>): string | undefined =>
  commentary ? 'Commentary' : visuallyImpaired ? 'Audio description' : undefined;

async function describeAudio(
  track: SourceTrack,
  input: InputAudioTrack,
): Promise<AudioDescription | Unplayable> {
  const family = await input.getCodec();
  if (family === 'mp3') return 'MP3, which not all browsers can play in segments';
  if (family !== 'aac' && family !== 'opus' && family !== 'flac') return unplayableCodec(track.codecName);
  const config = await input.getDecoderConfig();
  if (!config) return unplayableCodec(track.codecName);
  const stored = config.description ? toBuffer(config.description) : Buffer.alloc(0);
  const languageCode = await input.getLanguageCode();
  const channels = await input.getNumberOfChannels();
  const sampleRateHz = Math.round(await input.getSampleRate());
  if (!(channels >= 1 && channels <= 64) || !(sampleRateHz >= 1_000 && sampleRateHz <= 768_000)) {
    return `in an invalid format (${channels} channels, ${sampleRateHz} Hz)`;
  }
  const language = toLanguage(languageCode);
  const name = givenTrackNameSchema.safeParse(
    (await input.getName()) ?? nameOfPurpose(await input.getDisposition()),
  ).data;
  const shape = {
    kind: 'audio' as const,
    channels,
    sampleRateHz,
    languageCode: /^[a-z]{3}$/.test(languageCode) ? languageCode : 'und',
    ...(language ? { language } : {}),
    ...(name ? { name } : {}),
  };
  switch (family) {
    case 'aac': {
      if (stored.length < 2) return withoutConfiguration('AAC');
      const unplayable = checkAac(config.codec);
      return (
        unplayable ?? { ...shape, family, codec: config.codec, configuration: stored.toString('base64') }
      );
    }
    case 'opus': {
      const dOps = formatOpusSpecific(stored, channels);
      return dOps
        ? { ...shape, family, codec: 'opus', configuration: dOps.toString('base64') }
        : withoutConfiguration('Opus');
    }
    case 'flac': {
      const streamInfo = findFlacStreamInfo(stored);
      return streamInfo
        ? { ...shape, family, codec: 'flac', configuration: streamInfo.toString('base64') }
        : withoutConfiguration('FLAC');
    }
  }
}

const toBuffer = (bytes: NonNullable<AudioDecoderConfig['description']>): Buffer =>
  ArrayBuffer.isView(bytes)
    ? Buffer.from(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength))
    : Buffer.from(new Uint8Array(bytes));

/** Formats `dOps` ("Encapsulation of Opus in ISO Base Media File Format", section 4.3.2) from the header of RFC 7845, section 5.1. */
function formatOpusSpecific(head: Buffer, channels: number): Buffer | undefined {
  if (head.length === 0) return Buffer.from([0, channels, ...u16(0), ...u32(48_000), ...u16(0), 0]);
  if (head.length < 19 || head.toString('latin1', 0, 8) !== 'OpusHead') return undefined;
  const family = head[18]!;
  const mapping = family === 0 ? Buffer.alloc(0) : head.subarray(19, 21 + head[9]!);
  if (family !== 0 && mapping.length < 2 + head[9]!) return undefined;
  return Buffer.concat([
    Buffer.from([0, head[9]!]),
    u16(head.readUInt16LE(10)),
    u32(head.readUInt32LE(12)),
    u16(head.readInt16LE(16)),
    Buffer.from([family]),
    mapping,
  ]);
}

/** Finds the STREAMINFO block (RFC 9639, section 8.2) and marks it as the last block. */
function findFlacStreamInfo(description: Buffer): Buffer | undefined {
  const at = description.toString('latin1', 0, 4) === 'fLaC' ? 4 : 0;
  if (description.length < at + 38 || (description[at]! & 0x7f) !== 0) return undefined;
  return Buffer.concat([Buffer.from([0x80, 0, 0, 34]), description.subarray(at + 4, at + 38)]);
}

/** Converts ISO 639-2 into the shortest BCP 47 tag; undefined if the source names no language. */
function toLanguage(code: string): string | undefined {
  if (code === 'und' || code === '') return undefined;
  try {
    const [tag] = Intl.getCanonicalLocales(code);
    return languageSchema.safeParse(tag).data;
  } catch {
    return undefined;
  }
}
