/** Formats multivariant playlists (RFC 8216bis, section 4.4.6), for sites and, with Content Steering, for trackers. */
import { type AudioTrack, listAudioTracks, trackName } from './audio-tracks.ts';
import {
  type AudioRendition,
  type CaptionsRendition,
  IFRAME_PLAYLIST,
  MEDIA_PLAYLIST,
  type Rendition,
  type VideoRendition,
  videoRangeOf,
} from './media.ts';

/** A site, which is a pathway for a player (RFC 8216bis, section 7). */
export interface Pathway {
  /** `[A-Za-z0-9._-]+` */
  readonly id: string;
  /** The prefix of `{rendition}/media.m3u8`. It ends in `/`, or is empty for relative URIs. */
  readonly baseUri: string;
}

export interface Steering {
  readonly serverUri: string;
  /** The pathway to start on. */
  readonly pathwayId: string;
}

const quoted = (text: string): string => `"${text.replaceAll(/["\r\n]/g, '')}"`;

/**
 * Formats a multivariant playlist. With one pathway it has no `PATHWAY-ID`. With several, every variant and audio group is
 * listed once for each pathway, and the groups differ only in their ids.
 *
 * @throws RangeError if there is no pathway or no rendition.
 */
export function formatMultivariantPlaylist(
  renditions: readonly Rendition[],
  pathways: readonly Pathway[],
  steering?: Steering,
): string {
  const videos = renditions.filter((r): r is VideoRendition => r.kind === 'video');
  const audios = renditions.filter((r): r is AudioRendition => r.kind === 'audio');
  const captions = renditions.filter((r): r is CaptionsRendition => r.kind === 'captions');
  if (pathways.length === 0) throw new RangeError('a multivariant playlist needs a pathway');
  if (videos.length + audios.length === 0) throw new RangeError('a multivariant playlist needs a rendition');

  const lines = ['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS'];
  if (steering) {
    lines.push(
      `#EXT-X-CONTENT-STEERING:SERVER-URI=${quoted(steering.serverUri)},PATHWAY-ID=${quoted(steering.pathwayId)}`,
    );
  }
  for (const [order, pathway] of pathways.entries()) {
    const attributes = steering ? [`PATHWAY-ID=${quoted(pathway.id)}`] : [];
    const uri = (rendition: Rendition): string => `${pathway.baseUri}${rendition.id}/${MEDIA_PLAYLIST}`;
    const groupId = (name: string | undefined): string =>
      ['audio', order, ...(name === undefined ? [] : [name])].join('-');
    const groups = videos.length > 0 ? [...new Set(audios.map(audio => audio.group))] : [];
    for (const name of groups) {
      for (const [index, track] of listAudioTracks(inGroup(audios, name)).entries())
        lines.push(`#EXT-X-MEDIA:${audioAttributes(track, index, groupId(name), uri(track.audio))}`);
    }
    const captionsGroup = `captions-${order}`;
    for (const [index, track] of captions.entries()) {
      // Shaka Player finds the captions of a pathway only by this attribute; other players ignore it.
      const isFirst = captions.findIndex(({ language }) => language === track.language) === index;
      const attributesOfTrack = [
        captionsAttributes(track, index, captionsGroup, uri(track)),
        `AUTOSELECT=${isFirst ? 'YES' : 'NO'}`,
        ...attributes,
      ];
      lines.push(`#EXT-X-MEDIA:${attributesOfTrack.join(',')}`);
    }
    if (captions.length > 0) attributes.push(`SUBTITLES=${quoted(captionsGroup)}`);
    for (const variant of videos.length > 0 ? videos : audios) {
      const sound = variant.kind === 'video' ? inGroup(audios, variant.audioGroup) : [];
      const group = groupId(variant.kind === 'video' ? variant.audioGroup : undefined);
      lines.push(`#EXT-X-STREAM-INF:${variantAttributes(variant, sound, group, attributes)}`, uri(variant));
    }
    const pathwayId = steering ? [`PATHWAY-ID=${quoted(pathway.id)}`] : [];
    for (const video of videos) {
      if (video.iframeBandwidthBps === undefined) continue;
      const form = [
        `BANDWIDTH=${video.iframeBandwidthBps}`,
        `CODECS=${quoted(video.codec)}`,
        `RESOLUTION=${video.width}x${video.height}`,
        `VIDEO-RANGE=${videoRangeOf(video)}`,
        ...pathwayId,
        `URI=${quoted(`${pathway.baseUri}${video.id}/${IFRAME_PLAYLIST}`)}`,
      ];
      lines.push(`#EXT-X-I-FRAME-STREAM-INF:${form.join(',')}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

const inGroup = (audios: readonly AudioRendition[], name: string | undefined): readonly AudioRendition[] =>
  audios.filter(audio => audio.group === name);

/** Media characteristics, by which Apple's players recognise tracks for the blind and commentaries. */
const CHARACTERISTICS = {
  description: 'public.accessibility.describes-video',
  commentary: 'public.auxiliary-content',
} as const;

function audioAttributes(
  { audio, name, isMain, purpose }: AudioTrack,
  index: number,
  group: string,
  uri: string,
): string {
  return [
    'TYPE=AUDIO',
    `GROUP-ID=${quoted(group)}`,
    `NAME=${quoted(name)}`,
    ...(audio.language ? [`LANGUAGE=${quoted(audio.language)}`] : []),
    `DEFAULT=${index === 0 ? 'YES' : 'NO'}`,
    // Tracks that players select by themselves must differ in language or characteristics (section 4.4.6.1.1).
    `AUTOSELECT=${isMain || purpose || index === 0 ? 'YES' : 'NO'}`,
    ...(purpose ? [`CHARACTERISTICS=${quoted(CHARACTERISTICS[purpose])}`] : []),
    `CHANNELS=${quoted(String(audio.channels))}`,
    `URI=${quoted(uri)}`,
  ].join(',');
}

function captionsAttributes(captions: CaptionsRendition, index: number, group: string, uri: string): string {
  return [
    'TYPE=SUBTITLES',
    `GROUP-ID=${quoted(group)}`,
    `NAME=${quoted(trackName(captions, index, 'Captions'))}`,
    ...(captions.language ? [`LANGUAGE=${quoted(captions.language)}`] : []),
    'DEFAULT=NO',
    'FORCED=NO',
    `URI=${quoted(uri)}`,
  ].join(',');
}

function variantAttributes(
  variant: VideoRendition | AudioRendition,
  audios: readonly AudioRendition[],
  group: string,
  extra: readonly string[],
): string {
  const loudest = Math.max(0, ...audios.map(audio => audio.bandwidthBps));
  const usual = Math.max(0, ...audios.map(audio => audio.averageBandwidthBps));
  const codecs = [...new Set([variant.codec, ...audios.map(audio => audio.codec)])];
  return [
    `BANDWIDTH=${variant.bandwidthBps + loudest}`,
    `AVERAGE-BANDWIDTH=${variant.averageBandwidthBps + usual}`,
    `CODECS=${quoted(codecs.join(','))}`,
    ...(variant.kind === 'video'
      ? [
          `RESOLUTION=${variant.width}x${variant.height}`,
          `FRAME-RATE=${(variant.maxFrameRate ?? variant.frameRate).toFixed(3)}`,
          `VIDEO-RANGE=${videoRangeOf(variant)}`,
        ]
      : []),
    ...(audios.length > 0 ? [`AUDIO=${quoted(group)}`] : []),
    ...extra,
  ].join(',');
}
