/**
 * Formats DASH manifests (ISO/IEC 23009-1) of the same segments that the HLS playlists list. Sites use it for their manifests, and
 * trackers for steered ones. Segments are addressed by number, and a `SegmentTimeline` lists their times.
 */
import { type AudioTrack, listAudioTracks } from './audio-tracks.ts';
import {
  type AudioRendition,
  CAPTIONS_FILE,
  type CaptionsRendition,
  INIT_SEGMENT,
  type Rendition,
  type VideoRendition,
  videoRangeOf,
} from './media.ts';
import type { RenditionTimeline, RevisionTimeline } from './timeline.ts';

/** A site, which is a service location for a DASH player. */
export interface ServiceLocation {
  readonly id: string;
  /** Absolute URL of the revision at this site, ending in `/`. */
  readonly baseUrl: string;
}

/** Content Steering (ETSI TS 103 998). */
export interface DashSteering {
  readonly serverUrl: string;
  /** The service location to start with. */
  readonly defaultServiceLocation: string;
}

const NAMESPACE = 'urn:mpeg:dash:schema:mpd:2011';
const PROFILES = 'urn:mpeg:dash:profile:isoff-live:2011,urn:mpeg:dash:profile:cmaf:2019';
const CHANNELS = 'urn:mpeg:dash:23003:3:audio_channel_configuration:2011';
const ROLE = 'urn:mpeg:dash:role:2011';
const AUDIO_PURPOSE = 'urn:tva:metadata:cs:AudioPurposeCS:2007';
const FOR_VISUALLY_IMPAIRED = 1;
const CICP = 'urn:mpeg:mpegB:cicp';

/**
 * Formats a static manifest. Without locations, every URL is relative to that of the manifest.
 *
 * @throws RangeError if a rendition has no timeline.
 */
export function formatDashManifest(
  renditions: readonly Rendition[],
  timeline: RevisionTimeline,
  locations: readonly ServiceLocation[] = [],
  steering?: DashSteering,
): string {
  const longest = Math.max(...Object.values(timeline.renditions).map(longestSeconds));
  const lines = [
    '<?xml version="1.0" encoding="UTF-8"?>',
    `<MPD xmlns="${NAMESPACE}" profiles="${PROFILES}" type="static" ` +
      `mediaPresentationDuration="${duration(timeline.durationMs / 1_000)}" ` +
      `maxSegmentDuration="${duration(longest)}" minBufferTime="${duration(Math.min(longest, 4))}">`,
    ...locations.map(
      ({ id, baseUrl }) => `  <BaseURL serviceLocation="${escapeXml(id)}">${escapeXml(baseUrl)}</BaseURL>`,
    ),
    ...(steering
      ? [
          `  <ContentSteering defaultServiceLocation="${escapeXml(steering.defaultServiceLocation)}" ` +
            `queryBeforeStart="false">${escapeXml(steering.serverUrl)}</ContentSteering>`,
        ]
      : []),
    '  <Period id="0" start="PT0S">',
  ];
  const sets = listAdaptationSets(renditions);
  const hasSdr = renditions.some(one => one.kind === 'video' && videoRangeOf(one) === 'SDR');
  const tracks = listAudioTracks(sets.map(([first]) => first).filter(first => first.kind === 'audio'));
  const context = { timeline, hasSdr, tracks };
  for (const [id, set] of sets.entries()) lines.push(...formatAdaptationSet(id, set, context));
  const captions = renditions.filter((r): r is CaptionsRendition => r.kind === 'captions');
  for (const [index, track] of captions.entries()) lines.push(...formatCaptions(sets.length + index, track));
  lines.push('  </Period>', '</MPD>');
  return `${lines.join('\n')}\n`;
}

type TimedRendition = VideoRendition | AudioRendition;
type AdaptationSet = readonly [TimedRendition, ...TimedRendition[]];

/** Groups renditions into adaptation sets: video by codec and range, because players switch only within a set; audio by language and group. */
function listAdaptationSets(renditions: readonly Rendition[]): readonly AdaptationSet[] {
  const sets = new Map<string, [TimedRendition, ...TimedRendition[]]>();
  const audios = renditions.filter((r): r is AudioRendition => r.kind === 'audio');
  // DASH cannot bind an audio group to video renditions. Of several encodings, only the last is listed, which all players support.
  const group = audios.at(-1)?.group;
  for (const rendition of renditions) {
    if (rendition.kind === 'captions') continue;
    if (rendition.kind === 'audio' && rendition.group !== group) continue;
    const key =
      rendition.kind === 'video'
        ? `video ${rendition.codec.split('.', 1)[0]} ${videoRangeOf(rendition)}`
        : `audio ${rendition.id}`;
    const set = sets.get(key);
    if (set) set.push(rendition);
    else sets.set(key, [rendition]);
  }
  return [...sets.values()];
}

/** What the sets of a manifest have in common. */
interface ManifestContext {
  readonly timeline: RevisionTimeline;
  /** A set that every screen can show. */
  readonly hasSdr: boolean;
  readonly tracks: readonly AudioTrack[];
}

function formatAdaptationSet(
  id: number,
  set: AdaptationSet,
  { timeline, hasSdr, tracks }: ManifestContext,
): readonly string[] {
  const [first] = set;
  const track = first.kind === 'audio' ? tracks.find(({ audio }) => audio === first) : undefined;
  const language = first.kind === 'audio' && first.language ? [`lang="${escapeXml(first.language)}"`] : [];
  const attributes = [
    `id="${id}"`,
    `contentType="${first.kind}"`,
    `mimeType="${first.kind}/mp4"`,
    ...language,
    'segmentAlignment="true"',
    'startWithSAP="1"',
  ];
  return [
    `    <AdaptationSet ${attributes.join(' ')}>`,
    ...(track ? formatAudioTrack(track, tracks.length) : []),
    ...(first.kind === 'video' ? formatColour(first, hasSdr) : []),
    ...set.flatMap(rendition => formatRepresentation(rendition, timeline.renditions[rendition.id])),
    '    </AdaptationSet>',
  ];
}

/** The label and the purpose of an audio track, by which viewers and players distinguish tracks of one language. */
function formatAudioTrack({ audio, name, isMain, purpose }: AudioTrack, count: number): readonly string[] {
  const role = isMain ? 'main' : purpose === 'commentary' ? 'commentary' : 'alternate';
  return [
    ...(count > 1 || audio.name ? [`      <Label>${escapeXml(name)}</Label>`] : []),
    ...(purpose === 'description'
      ? [`      <Accessibility schemeIdUri="${AUDIO_PURPOSE}" value="${FOR_VISUALLY_IMPAIRED}"/>`]
      : []),
    `      <Role schemeIdUri="${ROLE}" value="${role}"/>`,
  ];
}

/**
 * The properties of ISO/IEC 23091-2. They are essential for HDR if there is also SDR: a player that cannot show HDR then ignores the
 * HDR set (ISO/IEC 23009-1, section 5.8.4.8).
 */
function formatColour(rendition: VideoRendition, hasSdr: boolean): readonly string[] {
  const { colour } = rendition;
  if (!colour) return [];
  const isEssential = hasSdr && videoRangeOf(rendition) !== 'SDR';
  const element = isEssential ? 'EssentialProperty' : 'SupplementalProperty';
  return [
    `      <${element} schemeIdUri="${CICP}:ColourPrimaries" value="${colour.primaries}"/>`,
    `      <${element} schemeIdUri="${CICP}:TransferCharacteristics" value="${colour.transfer}"/>`,
    `      <${element} schemeIdUri="${CICP}:MatrixCoefficients" value="${colour.matrix}"/>`,
  ];
}

/** Captions are one WebVTT file, which players load as a whole. */
function formatCaptions(
  id: number,
  { id: folder, language, bandwidthBps, name }: CaptionsRendition,
): readonly string[] {
  return [
    `    <AdaptationSet id="${id}" contentType="text" mimeType="text/vtt"${language ? ` lang="${escapeXml(language)}"` : ''}>`,
    ...(name ? [`      <Label>${escapeXml(name)}</Label>`] : []),
    `      <Role schemeIdUri="${ROLE}" value="caption"/>`,
    `      <Representation id="${folder}" bandwidth="${bandwidthBps}">`,
    `        <BaseURL>${folder}/${CAPTIONS_FILE}</BaseURL>`,
    '      </Representation>',
    '    </AdaptationSet>',
  ];
}

function formatRepresentation(
  rendition: TimedRendition,
  timeline: RenditionTimeline | undefined,
): readonly string[] {
  if (!timeline) throw new RangeError(`the rendition ${rendition.id} has no timeline`);
  const attributes = [
    `id="${rendition.id}"`,
    `codecs="${rendition.codec}"`,
    `bandwidth="${rendition.bandwidthBps}"`,
    ...(rendition.kind === 'video' ? videoAttributes(rendition) : audioAttributes(rendition)),
  ];
  return [
    `      <Representation ${attributes.join(' ')}>`,
    ...(rendition.kind === 'audio'
      ? [`        <AudioChannelConfiguration schemeIdUri="${CHANNELS}" value="${rendition.channels}"/>`]
      : []),
    `        <SegmentTemplate timescale="${timeline.timescale}" presentationTimeOffset="0" startNumber="0" ` +
      `initialization="$RepresentationID$/${INIT_SEGMENT}" media="$RepresentationID$/$Number$.m4s">`,
    '          <SegmentTimeline>',
    ...timeline.runs.map(([ticks, count], index) => {
      const start = index === 0 ? ' t="0"' : '';
      return `            <S${start} d="${ticks}"${count > 1 ? ` r="${count - 1}"` : ''}/>`;
    }),
    '          </SegmentTimeline>',
    '        </SegmentTemplate>',
    '      </Representation>',
  ];
}

const videoAttributes = ({ width, height, frameRate }: VideoRendition): readonly string[] => [
  `width="${width}"`,
  `height="${height}"`,
  `frameRate="${formatFrameRate(frameRate)}"`,
  // The record has display sizes, so the pixels are square.
  'sar="1:1"',
];

const audioAttributes = ({ sampleRateHz }: AudioRendition): readonly string[] => [
  `audioSamplingRate="${sampleRateHz}"`,
];

/** Formats a `FrameRateType`, which is an integer or a fraction. A rate such as 29.97 stands for the television rate 30000/1001. */
export function formatFrameRate(framesPerSecond: number): string {
  if (Number.isInteger(framesPerSecond)) return String(framesPerSecond);
  const television = Math.round(framesPerSecond * 1.001) * 1_000;
  if (Math.abs(television / 1_001 - framesPerSecond) < 0.005) return `${television}/1001`;
  return `${Math.max(1, Math.round(framesPerSecond * 1_000))}/1000`;
}

const longestSeconds = ({ timescale, runs }: RenditionTimeline): number =>
  Math.max(...runs.map(([ticks]) => ticks)) / timescale;

/** Formats an `xs:duration` in milliseconds, rounded up: what it limits must not be longer. */
const duration = (seconds: number): string =>
  `PT${(Math.ceil(seconds * 1_000 - ROUNDING_MS) / 1_000).toFixed(3)}S`;
/** Sums and quotients are not exact. */
const ROUNDING_MS = 1e-6;

const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
